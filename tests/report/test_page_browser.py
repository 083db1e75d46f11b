"""The page in a browser: Chromium, headless, without a driver.

A copy of the page gets a script that looks at it and writes what it finds into the page, which
``--dump-dom`` prints. Without Chromium these tests are skipped, unless ``REQUIRE_CHROMIUM=1`` says
that they may not be.
"""

import json
import os
import re
import shutil
import subprocess

import pytest
from made_runs import raced, repaired

from AutoTrainer.report.html import page

CHROMIUM = shutil.which('chromium') or shutil.which('google-chrome') or shutil.which(
    'chromium-browser')
pytestmark = [
    pytest.mark.once, pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None and os.environ.get('REQUIRE_CHROMIUM') != '1',
        reason='no Chromium here (apt-get install chromium); REQUIRE_CHROMIUM=1 asks for it')]

LOOK = r'''
const numbers = text => (text.match(/[\d.]+/g) || []).map(Number);
const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255).map(
    c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4).reduce(
    (sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const paper = element => {
  for (let at = element; at; at = at.parentElement) {
    const colour = numbers(getComputedStyle(at).backgroundColor);
    if (colour.length === 3 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
};
window.look = () => {
  const found = {low: [], wide: [], cut: [], texts: 0, requests: performance.getEntriesByType(
      'resource').map(entry => entry.name), scrolls: document.documentElement.scrollWidth,
      width: innerWidth, errors: window.errors,
      paper: luminance(paper(document.body))};
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    const box = element.getBoundingClientRect();
    if (!node.textContent.trim() || !box.width || ['SCRIPT', 'STYLE', 'title', 'desc'].includes(
        element.tagName)) continue;
    found.texts += 1;
    const style = getComputedStyle(element), svg = element.closest('svg');
    const ink = luminance(numbers(svg ? style.fill : style.color));
    const back = luminance(paper(element));
    const backs = svg ? [back, luminance(numbers(getComputedStyle(svg.querySelector('rect') ||
        svg).fill))] : [back];
    for (const other of svg && svg.querySelector('rect') ? backs : [back]) {
      const contrast = (Math.max(ink, other) + 0.05) / (Math.min(ink, other) + 0.05);
      if (contrast < 4.5) found.low.push([node.textContent.trim().slice(0, 40), contrast]);
    }
    if (svg) {
      const all = svg.getBoundingClientRect();
      if (box.left < all.left - 1 || box.right > all.right + 1) {
        found.cut.push(node.textContent.trim());
      }
    } else if (box.right > innerWidth + 1 && !element.closest('pre, .table')) {
      found.wide.push(node.textContent.trim().slice(0, 40));
    }
  }
  return found;
};
'''

FRAME = '''<!DOCTYPE html><body style="margin:0"><iframe id="frame" src="page.html"
style="border:0;width:%dpx;height:9000px"></iframe><pre id="found"></pre><script>
onload = () => { document.getElementById('found').textContent = JSON.stringify(
    document.getElementById('frame').contentWindow.look()); };
</script>'''


def looked_at(tmp_path, markup, width, dark=False):
    """What the browser finds in a page of so many pixels."""
    assert CHROMIUM is not None, 'REQUIRE_CHROMIUM=1, and there is none; apt-get install chromium'
    head, policy, rest = re.split(r'(<meta http-equiv[^>]*>)', markup, maxsplit=1)
    # the copy keeps the policy that nothing is loaded, and lets the script of this test run
    policy = re.sub(r"script-src '[^']*'", "script-src 'unsafe-inline'", policy)
    script = '<script>window.errors = []; addEventListener("error", e => errors.push(e.message));' \
             'addEventListener("securitypolicyviolation", e => errors.push(e.blockedURI));%s' \
             '</script>' % LOOK
    (tmp_path / 'page.html').write_text(head + policy + script + rest, encoding='utf-8')
    (tmp_path / 'frame.html').write_text(FRAME % width, encoding='utf-8')
    done = subprocess.run(
        [CHROMIUM, '--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars',
         '--allow-file-access-from-files', '--user-data-dir=%s' % (tmp_path / 'profile'),
         '--virtual-time-budget=5000', '--enable-logging=stderr', '--log-level=0',
         '--window-size=1300,1000', '--blink-settings=preferredColorScheme=%d' % (not dark),
         '--dump-dom', (tmp_path / 'frame.html').as_uri()],
        capture_output=True, timeout=120)
    found = re.search(r'<pre id="found">(.+?)</pre>', done.stdout.decode('utf-8'), re.DOTALL)
    assert found, done.stderr.decode('utf-8', 'replace')[-2000:]
    said = [line for line in done.stderr.decode('utf-8', 'replace').splitlines()
            if 'CONSOLE' in line]
    return dict(json.loads(found.group(1).replace('&lt;', '<').replace('&gt;', '>').replace(
        '&amp;', '&')), console=said)


def pages(tmp_path):
    long = 'a_layer_with_a_name_that_never_ends_' * 9
    return {'race': page(raced(tmp_path / 'race')),
            'tries': page(repaired(tmp_path / long[:200])).replace('2 layers → selu', long)}


@pytest.mark.parametrize('width, dark', [(360, True), (1100, False)])
def test_a_page_in_a_browser(tmp_path, width, dark):
    for name, markup in pages(tmp_path).items():
        found = looked_at(tmp_path, markup, width, dark)
        assert found['texts'] > 80 and (found['paper'] < 0.5) == dark, name
        assert found['width'] == width and found['scrolls'] <= width, (name, found['scrolls'])
        assert found['wide'] == found['cut'] == [], name
        assert found['low'] == [], name
        assert found['requests'] == found['errors'] == found['console'] == [], name


def test_the_looking_script_finds_faults(tmp_path):
    """A page of faults: or else the test above could not fail."""
    bad = ('<!DOCTYPE html><html><head><meta http-equiv="Content-Security-Policy" '
           'content="default-src \'none\'; style-src \'unsafe-inline\'; script-src \'x\'"></head>'
           '<body style="background:#fff"><p style="color:#aaa">pale</p>'
           '<p style="width:2000px">wide</p><img src="http://127.0.0.1:1/x.png">'
           '<svg width="50" height="20"><text x="-20" y="9">cut</text></svg>'
           '<script>nothing()</script></body></html>')
    found = looked_at(tmp_path, bad, 360)
    assert found['low'][0][0] == 'pale' and found['wide'] == ['wide'] and found['cut'] == ['cut']
    assert found['scrolls'] >= 2000 and len(found['errors']) >= 2 and found['console']
