"""A small tree in upstream's shape: its names and defaults, bodies in this project's own words.

What is asked of it under ``--run`` computes what upstream computes, its faults included; everything
else has a signature and no body.
"""

import textwrap

MONITOR = '''
import numpy as np
from tensorflow import keras


def has_NaN(output):
    return not np.isfinite(np.array(output)).all()


def gradient_zero_radio(gradient_list):
    shares = [np.mean(g == 0) for g in gradient_list]
    zeros = sum(float((g == 0).sum()) for g in gradient_list)
    return zeros / float(sum(g.size for g in gradient_list)), shares[::2], shares[1::2]


def max_delta_acc(acc_list):
    return max([0] + [b - a for a, b in zip(acc_list, acc_list[1:]) if b > a])


def gradient_norm(gradient_list):
    return ([np.linalg.norm(g) for g in gradient_list if g.ndim > 1],
            [np.linalg.norm(g) for g in gradient_list if g.ndim == 1])


def ol_judge(history, threshold, rate):
    acc = history['acc']
    inner = range(1, len(acc) - 1)
    tops = [acc[i] for i in inner if acc[i] >= acc[i - 1] and acc[i] >= acc[i + 1]]
    dips = [acc[i] for i in inner if acc[i] <= acc[i - 1] and acc[i] <= acc[i + 1]]
    wide = [1 for top, dip in zip(tops, dips) if top - dip >= threshold]
    return len(wide) >= rate * len(acc)


def check_large_loss(test_loss, train_loss, threshold=1e+3):
    return max(max(test_loss), max(train_loss)) >= threshold


def check_abnormal_value(test_loss, train_loss):
    return min(test_loss) < 0 or min(train_loss) < 0


def layer_issue(feature_dict, layer_output_list, input_threshold=10, acti_threshold=1):
    last, others = layer_output_list[-1][0], layer_output_list[:-1]
    if has_NaN(last) or np.abs(last).sum(1).max() > acti_threshold + 0.1:
        feature_dict['activation_output'] = True
    elif any(np.abs(other).mean() >= input_threshold for other in others):
        feature_dict['abnormal_output'] = True
    return feature_dict


def loss_issue(feature_dict, history, total_epoch, satisfied_acc, checkgap, unstable_threshold=0.05,
               judgment_point=0.3, unstable_rate=0.25, epsilon=10e-3, sc_threshold=0.01):
    loss, acc, val_loss, val_acc = (history[k] for k in ('loss', 'acc', 'val_loss', 'val_acc'))
    if not loss:
        return feature_dict
    if has_NaN(loss) or has_NaN(val_loss) or check_large_loss(val_loss, loss, 1e+3):
        feature_dict['nan_loss'] = True
        return feature_dict
    if check_abnormal_value(val_loss, loss):
        feature_dict['abnormal_loss'] = True
    if len(loss) >= judgment_point * total_epoch - checkgap:
        if ol_judge(history, unstable_threshold, unstable_rate):
            feature_dict['unstable_loss'] = True
        if max(val_acc) < satisfied_acc and max(acc) < satisfied_acc:
            feature_dict['not_converge'] = True
        if max_delta_acc(val_acc) < sc_threshold and max_delta_acc(acc) < sc_threshold:
            feature_dict['sc_accuracy'] = True
    return feature_dict


def weights_issue(feature_dict, weights, last_weights, threshold_large=5, threshold_change=0.1):
    if any(has_NaN(w) for w in weights):
        feature_dict['nan_weight'] = True
    elif any(np.abs(w).max() > threshold_large for w in weights):
        feature_dict['large_weight'] += 1
    return feature_dict


def gradient_issue(feature_dict, gradient_list, threshold_low=1e-3, threshold_low_1=1e-4,
                   threshold_high=70, threshold_die_1=0.7):
    (norms, _, ratio), (zeros, _, _, _) = gradient_message_summary(gradient_list)
    if any(has_NaN(g) for g in gradient_list):
        feature_dict['nan_gradient'] = True
        return feature_dict
    feature_dict['vanish_gradient'] += int(ratio < threshold_low and norms[0] < threshold_low_1)
    feature_dict['explode_gradient'] += int(ratio > threshold_high)
    feature_dict['died_relu'] += int(zeros >= threshold_die_1)
    return feature_dict


def gradient_message_summary(gradient_list):
    zeros, kernels, biases = gradient_zero_radio(gradient_list)
    norms, bias_norms = gradient_norm(gradient_list)
    return [norms, bias_norms, norms[0] / norms[-1]], [zeros, kernels, biases, max(kernels)]


def loss_function_issue(feature_dict, loss_function, output_shape, activation):
    wrong = not (('binary' in loss_function and output_shape <= 2)
                 or ('categorical' in loss_function and output_shape > 2))
    feature_dict['improper_loss'] = wrong
    head = 'sigmoid' if 'binary' in loss_function else 'softmax'
    if not wrong and activation != head and output_shape != 2:
        feature_dict['activation_output'] = True
    return feature_dict


class IssueMonitor:
    def __init__(self, total_epoch, satisfied_acc, params, determine_threshold=1):
        self.total_epoch, self.params = total_epoch, params
        self.determine_threshold, self.issue_list = determine_threshold, []
        self.feature = {'not_converge': False, 'unstable_loss': False, 'nan_loss': False,
                        'abnormal_loss': False, 'test_not_well': 0, 'test_turn_bad': 0,
                        'sc_accuracy': False, 'died_relu': False, 'vanish_gradient': False,
                        'explode_gradient': False, 'nan_gradient': False, 'large_weight': 0,
                        'nan_weight': False, 'weight_change_little': 0}

    def determine(self, model, history, gradient_list, checkgap, layer_output=None):
        p, f = self.params, self.feature
        if 'improper_loss' not in f:
            loss_function_issue(f, model.loss, model.output.shape[-1],
                                model.layers[-1].get_config()['activation'])
        if layer_output is not None:
            layer_issue(f, layer_output, p['omega_1'], p['omega_2'])
        gradient_issue(f, gradient_list, p['beta_1'], p['beta_2'], p['beta_3'], p['gamma'])
        weights_issue(f, model.get_weights(), None)
        loss_issue(f, history, self.total_epoch, p['Theta'], checkgap,
                   unstable_threshold=p['zeta'], unstable_rate=p['eta'], sc_threshold=p['delta'])
        self.judge_issue(layer_output)
        return self.issue_list

    def judge_issue(self, layer_output):
        f, found, enough = self.feature, [], self.determine_threshold
        if layer_output is None:
            return
        if f['abnormal_output']:
            found.append('abnormal_data')
        if f['abnormal_loss']:
            found.append('loss_issue')
        elif f['nan_loss'] and f['activation_output']:
            found.append('activation_issue')
        elif f['nan_loss'] and (f['nan_weight'] or f['nan_gradient']):
            found.append('explode')
        if f['not_converge'] or f['sc_accuracy']:
            if f['activation_output']:
                found.append('activation_issue')
            elif f['died_relu'] >= enough:
                found.append('relu')
            elif f['explode_gradient'] >= enough:
                found.append('explode')
            elif f['vanish_gradient'] >= enough:
                found.append('vanish')
            elif f['not_converge'] and f['sc_accuracy'] and not f['abnormal_output']:
                found.append('not_converge')
        if f['unstable_loss']:
            found.append('activation_issue' if f['activation_output'] else 'unstable')
        if f['improper_loss'] and not f['activation_output']:
            found.append('loss_issue')
        self.issue_list = list(set(found))
        print(self.issue_list)


def inclusion_ratio(x, nparray): pass
def get_layer_output(model, inputs): pass
def get_weights(model, x, batch_size): pass
'''

STRATEGIES = {
    'balance': (['selu_1', 'relu_1', 'bn_1'], ['selu_1', 'relu_1', 'gradient_2', 'tanh_1', 'bn_1'],
                ['selu_1', 'bn_1', 'initial_3', 'leaky_3'],
                ['regular_1', 'estop_1', 'dropout_1', 'GN_1']),
    'structure': (['relu_1', 'selu_1', 'bn_1'],
                  ['gradient_2', 'relu_1', 'selu_1', 'tanh_1', 'bn_1'],
                  ['selu_1', 'initial_3', 'leaky_3', 'bn_1'],
                  ['estop_1', 'regular_1', 'dropout_1', 'GN_1']),
    'efficiency': (['relu_1', 'selu_1', 'bn_1'],
                   ['relu_1', 'selu_1', 'tanh_1', 'gradient_2', 'bn_1'],
                   ['selu_1', 'initial_3', 'leaky_3', 'bn_1'],
                   ['regular_1', 'dropout_1', 'estop_1', 'GN_1']),
}

LISTS = ('gradient_vanish_strategy', 'gradient_explode_strategy', 'dying_relu_strategy',
         'unstable_strategy', 'not_converge_strategy', 'over_fitting_strategy',
         'activation_strategy', 'loss_strategy', 'data_strategy')

OPERATIONS = ('gradient', 'relu', 'tanh', 'bn', 'initial', 'selu', 'leaky', 'adam', 'lr',
              'ReduceLR', 'momentum', 'batch', 'GN', 'optimizer', 'dropout', 'regular', 'loss',
              'activation', 'EarlyStop', 'preprocess')

REPAIR = '''
tmp_model_path = './tmp_models'
Insert_Layers = ['dense', 'lstm', 'conv']
def has_NaN(output): pass
def reload_model(model, path=tmp_model_path): pass
def random_kwargs_list(method='gradient_clip', clipvalue=10): pass
def last_layer(layers): pass
def insert_intermediate_layer_in_keras(model, layer_id, new_layer): pass
def replace_intermediate_layer_in_keras(model, layer_id, new_layer): pass
def modify_initializer(model, b_initializer=None, k_initializer=None): pass
def not_dense_acti(model, i): pass
def modify_last_activations(model, activation_name): pass
def modify_activations(model, activation_name, method='normal'): pass
def modify_regularizer(model, kernel_regularizer=l2(0.01), bias_regularizer=l2(0.01)): pass
def Dropout_network(model, incert_layer=Insert_Layers, rate=0.25): pass
def BN_network(model, incert_layer=Insert_Layers): pass
def Gaussian_Noise(model, stddev=0.1): pass
def DNN_skip_connect(model, layer_name='dense'): pass
def modify_optimizer(optimizer, kwargs_list, method='lr'): pass
def select_acti(model): pass
def select_loss(model, cur_loss): pass
def preprocess(data_array, method='default'): pass
def reconstruct_model(model): pass
def repair_default(model, config, issue, j, config_set): pass
''' + ''.join('def op_%s(model, config, issue, j, config_set): pass\n' % name
              for name in OPERATIONS)

MODULES = '''
solution_evaluation = {%s}
problem_evaluation = {'activation_issue': 3, 'loss_issue': 3, 'abnormal_data': 4, 'vanish': 2,
                      'explode': 2, 'relu': 2, 'not_converge': 1, 'unstable': 1, 'overfit': 0,
                      'need_train': 0}


def filtered_issue(issue_list):
    if len(issue_list) < 2:
        return issue_list
    return [max(issue_list, key=lambda issue: problem_evaluation[issue])]


def filtered(strategy_list, sufferance, memory):
    for entries in strategy_list:
        for place in range(len(entries)):
            cost = solution_evaluation[entries[place].split('_')[0]]
            if (cost['modify'] > sufferance or memory and cost['memory']) and len(entries) > 1:
                del entries[place]
    return strategy_list


def read_strategy(string):
    return string.split('_')[0], int(string.split('_')[-1])


def csv_determine(issue_name, path): pass
def comband_solutions(solution_dic): pass
def merge_history(history, new_history): pass
def get_new_dir(new_issue_dir, case_name, issue_type, tmp_add): pass
def notify_result(num, model, config, issue, j, config_set): pass
class Repair_Module:
    def __init__(self, config_set, model, training_config, issue_list, sufferance, memory,
                 satisfied_acc, root_path, method='balance', checktype='epoch_3',
                 determine_threshold=5): pass
    def solve(self, tmp_dir, new_issue_dir): pass
    def issue_repair(self, seed_model, train_config, config_bk, tmp_dir, issue_list, csv_path,
                     case_name, max_try=10): pass
    def get_file_name(self, issue_type): pass
    def update_current_solution(self, issue_type, solution): pass
''' % ', '.join("'%s': {'modify': %d, 'memory': %s}" % (name, cost, name == 'bn')
                for name, cost in (
    ('gradient', 0), ('relu', 1), ('bn', 2), ('initial', 1), ('selu', 1), ('tanh', 1),
    ('leaky', 2), ('adam', 0), ('lr', 0), ('ReduceLR', 0), ('momentum', 0), ('batch', 0),
    ('GN', 2), ('optimizer', 0), ('regular', 1), ('dropout', 2), ('estop', 0), ('activation', 0),
    ('loss', 0), ('data', 0)))

PARAMS = ("{'beta_1': 1e-3, 'beta_2': 1e-4, 'beta_3': 70, 'gamma': 0.7, 'zeta': 0.03, 'eta': 0.2, "
          "'delta': 0.01, 'alpha_1': 0, 'alpha_2': 0, 'alpha_3': 0, 'Theta': %s, 'omega_1': 10, "
          "'omega_2': 1}")

UTILS = '''
default_param = %s
class LossHistory(keras.callbacks.Callback):
    def __init__(self, training_data, model, batch_size, total_epoch, save_dir,
                 determine_threshold=5, satisfied_acc=0.7, checktype='epoch_5', satisfied_count=3,
                 retrain=False, pkl_dir=None, solution=None, params={}): pass
    def on_train_begin(self, logs=None): pass
    def on_epoch_end(self, epoch, logs={}): pass
    def on_train_end(self, logs=None): pass
def save_model(model, path): pass
def has_NaN(output): pass
def generate_fig(array_dic, path, method=2): pass
def read_csv(csv_path, epoch): pass
def check_point_model(model_dir, model_name, config, history): pass
def rename_model_weights(model): pass
def pack_train_config(opt, loss, dataset, epoch, batch_size, callbacks): pass
def model_train(model, train_config_set, optimizer, loss, dataset, iters, batch_size, log_dir,
                callbacks, root_path, new_issue_dir, verb=0, determine_threshold=3,
                save_dir='./tool_log', checktype='epoch_3', autorepair=True,
                modification_sufferance=3, memory_limit=False, satisfied_acc=0.7,
                strategy='balance', params={}):
    return 2, 2, 2
def model_retrain(model, config, satisfied_acc, save_dir, retrain_dir, verb=1, solution=None,
                  determine_threshold=5, checktype='epoch_3'):
    def fit(): return 1
    return model, [], 0.5, {}
''' % PARAMS % 0.7

SCRIPT = '''
import argparse
def get_dataset(dataset_name): pass
if __name__ == '__main__':
    parser = argparse.ArgumentParser(description='')
    parser.add_argument('--model_path', '-mp', default='./demo_case/Gradient_Vanish_Case/model.h5')
    parser.add_argument('--config_path', '-cp',
                        default='./demo_case/Gradient_Vanish_Case/config.pkl')
    parser.add_argument('--check_interval', '-ci', default=3)
    parser.add_argument('--result_dir', '-rd', default='./tmp/result_dir')
    parser.add_argument('--log_dir', '-ld', default='./tmp/log_dir')
    parser.add_argument('--new_issue_dir', '-nd', default='./tmp/new_issue')
    parser.add_argument('--root_dir', '-rtd', default='./tmp')
    training_config = load(parser.parse_args())
    train(training_config['optimizer'], training_config['opt_kwargs'],
          training_config['batchsize'], training_config['epoch'], training_config['loss'],
          training_config['dataset'], training_config['callbacks'])
    params = %s
''' % PARAMS % 0.6

GRADIENTS = '''
def check_version(cur_version, exp_version='2.2.0'): pass
def _get_grads_graph(model, x, y, params, sample_weight=None, learning_phase=0): pass
def _get_grads_eager(model, x, y, params, sample_weight=None, learning_phase=0): pass
def get_gradients(model, x, y, params=None, sample_weight=None, learning_phase=0,
                  evaluate=True): pass
'''

CLOCK = '''
class TimeHistory(keras.callbacks.Callback):
    def on_train_begin(self, logs={}): pass
    def on_epoch_end(self, batch, logs={}): pass
    def write_to_csv(self, history, log_file, epoch): pass
'''

LOG = '''
class Logger(object):
    def __init__(self, level='info', fmt='%(message)s'): pass
    def info(self, msg): pass
'''

WORDS = '''
def load_data(max_features=10000): return (1, 2), (3, 4)
def preprocess(x, maxlen=300, bk='tensorflow'): pass
'''

TRAIN = '''
def minist_load_data(): pass
epochs = 50
train_num = 100
opt = 'adam'
'''


def strategies(issues=9):
    """``repair_strategy`` with the lists of so many issues."""
    lines, word = ["def repair_strategy(method='balance'):"], 'if'
    for method, (vanish, explode, relu, overfit) in STRATEGIES.items():
        orders = (vanish, explode, relu,
                  ['adam_1', 'lr_3', 'ReduceLR_1', 'batch_4', 'momentum_3', 'GN_1', 'initial_3'],
                  ['optimizer_3', 'lr_3', 'initial_3'], overfit,
                  ['activation_1'], ['loss_1'], ['data_1'])
        lines.append('    %s method == %r:' % (word, method))
        lines += ['        %s = %r' % pair for pair in list(zip(LISTS, orders))[:issues]]
        word = 'elif'
    lines += ['    else:', '        os._exit(0)',
              '    return [%s]' % ', '.join(LISTS[:issues])]
    return '\n'.join(lines) + '\n'


def later():
    """The files of the layout of ``Test-Master``: name → text."""
    data = ('def load_data(): return (1, 2), (3, 4)\n'
            "def preprocess(x, bk='tensorflow'): pass\n")
    utils, demos = 'AutoTrainer/utils/', 'AutoTrainer/demo_case/'
    files = {
        utils + 'monitor.py': MONITOR, utils + 'modules.py': MODULES,
        utils + 'repair.py': REPAIR + strategies(), utils + 'utils.py': UTILS,
        utils + 'compute_gradient.py': GRADIENTS, utils + 'TimeCounter.py': CLOCK,
        utils + 'logger.py': LOG, utils + 'gradient.py': 'def get_outputs(model, _id): pass\n',
        'AutoTrainer/reproduce.py': SCRIPT, 'AutoTrainer/demo_test.py': SCRIPT,
        'AutoTrainer/new_model.py': SCRIPT,
        'AutoTrainer/data/cifar10.py': data,
        'AutoTrainer/data/mnist.py': data + "def preprocess_1(x, bk='tensorflow'): pass\n",
        'AutoTrainer/data/imdb.py': WORDS, 'AutoTrainer/data/reuters.py': WORDS,
        'AutoTrainer/data/simplednn.py':
            data.replace("data()", "data(method='circle')").replace(", bk='tensorflow'", ''),
        'Motivation/DyingReLU/train.py': TRAIN, 'Motivation/OscillatingLoss/train.py': TRAIN,
        'requirements.txt': 'numpy\n'}
    for name in ('Gradient_Vanish_Case/demo.py', 'Oscillating_Loss_Case/demo.py',
                 'Gradient_Vanish_Case/demo_rnn.py', 'Loss_Issue_Case/demo.py',
                 'Data_Issue_case/demo_data.py', 'Improper_Activation_case/demo_activation.py'):
        files[demos + name] = SCRIPT
    return files


EARLIER_NORM = '''def gradient_norm(gradient_list):
    assert not len(gradient_list) % 2
    norms = [np.linalg.norm(g) for g in gradient_list]
    return norms[::2], norms[1::2]


'''

EARLIER_JUDGE = '''
    def determine(self, model, history, gradient_list, checkgap):
        p, f, found = self.params, self.feature, []
        gradient_issue(f, gradient_list, p['beta_1'], p['beta_2'], p['beta_3'], p['gamma'])
        weights_issue(f, model.get_weights(), None)
        loss_issue(f, history, self.total_epoch, p['Theta'], checkgap,
                   unstable_threshold=p['zeta'], unstable_rate=p['eta'], sc_threshold=p['delta'])
        if f['nan_loss'] or f['nan_weight'] or f['nan_gradient']:
            found.append('explode')
        if f['not_converge'] or f['sc_accuracy']:
            for name, issue in (('died_relu', 'relu'), ('explode_gradient', 'explode'),
                                ('vanish_gradient', 'vanish'), ('sc_accuracy', 'not_converge')):
                if f[name] >= self.determine_threshold:
                    found.append(issue)
                    break
        elif f['unstable_loss']:
            found.append('unstable')
        self.issue_list = list(set(found))
        return self.issue_list
'''


def earlier():
    """The files of the layout of ``ICSE'21``: six issues, no layer outputs, other folders."""
    files = later()
    monitor = MONITOR.replace('feature_dict', 'feature_dic')
    start, end = monitor.index('    def determine('), monitor.index('\n\ndef inclusion_ratio')
    monitor = monitor[:start].rstrip(' ') + EARLIER_JUDGE.lstrip('\n') + monitor[end:]
    for first, after in (('check_large_loss', 'loss_issue'),
                         ('loss_function_issue', 'IssueMonitor')):
        start = monitor.index('def %s(' % first)
        end = min(place for place in (monitor.find('\ndef %s(' % after),
                                      monitor.find('\nclass %s' % after)) if place >= 0)
        monitor = monitor[:start] + monitor[end + 1:]
    start, end = monitor.index('def gradient_norm('), monitor.index('def ol_judge(')
    monitor = monitor[:start] + EARLIER_NORM + monitor[end:]
    monitor = monitor.replace(
        'check_large_loss(val_loss, loss, 1e+3)', 'val_loss[-1] >= 1e+5').replace(
        '    if check_abnormal_value(val_loss, loss):\n'
        "        feature_dic['abnormal_loss'] = True\n", '').replace(
        'total_epoch - checkgap', 'total_epoch').replace(
        'max(val_acc) < satisfied_acc and', 'max(val_acc) < satisfied_acc or').replace(
        "'abnormal_loss': False, ", '').replace('def get_layer_output(model, inputs): pass\n', '')
    operations = ('loss', 'activation', 'preprocess')
    repair = ''.join(line for line in (REPAIR + strategies(6)).splitlines(True) if not any(
        line.startswith('def %s(' % name) for name in (
            'select_acti', 'select_loss', 'preprocess', 'reconstruct_model',
            'modify_last_activations') + tuple('op_%s' % name for name in operations)))
    modules = MODULES.replace("'activation_issue': 3, 'loss_issue': 3, 'abnormal_data': 4, ", '')
    for name in ('activation', 'loss', 'data'):
        modules = modules.replace(", '%s': {'modify': 0, 'memory': False}" % name, '')
    without = {name: text.replace(", 'omega_1': 10, 'omega_2': 1", '')
               for name, text in files.items()}
    return dict(
        {name: text for name, text in without.items()
         if not name.startswith('Motivation') and 'Issue_' not in name
         and 'compute_gradient' not in name and 'utils/gradient' not in name},
        **{'AutoTrainer/utils/utils.py': without['AutoTrainer/utils/utils.py'].replace(
            'def rename_model_weights(model): pass\n', '').replace(
            'verb=0, determine_threshold=3', 'verb=0, determine_threshold=1'),
           'AutoTrainer/utils/monitor.py': monitor, 'AutoTrainer/utils/repair.py': repair,
           'AutoTrainer/utils/modules.py': modules, 'Motivation/dying_relu/train_20.py': TRAIN,
           'Motivation/unstable/train_34.py': TRAIN})


def earliest():
    """The files of an early commit of ``ICSE'21``: shorter orders, other sizes of the texts."""
    files = earlier()
    for before, after in (("'batch_4', ", "'batch_3', "), ("'GN_1', 'initial_3'", "'GN_1'"),
                          ("'lr_3', 'initial_3'", "'lr_3'"),
                          ('max_features=10000', 'max_features=5000'),
                          ('maxlen=300', 'maxlen=500')):
        assert any(before in text for text in files.values()), before
        files = {name: text.replace(before, after) for name, text in files.items()}
    return files


def write(folder, files, **changes):
    """Write a tree.

    Args:
        folder: where to.
        files: name → text, of one of the layouts.
        changes: by file name without folder and ending, (what is written there, what instead).
    """
    for name, text in files.items():
        for file, (before, after) in changes.items():
            if name.endswith('/%s.py' % file):
                assert text.count(before) >= 1, (name, before)
                text = text.replace(before, after, 1)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding='utf-8')
    return str(folder)
