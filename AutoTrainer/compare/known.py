"""The one table of differences by name: what is gone, renamed or otherwise here, why, what to use.

``docs/evidence/upstream-differences.md`` has it as a table, made by ``python
scripts/upstream_page.py`` and held to it by a test. A value that stands here is the only one that
the reason is good for: where a checkout has another, the difference has none.
"""

from typing import Tuple

from .facts import Known

_UTILS = 'AutoTrainer/utils/'
_MONITOR = _UTILS + 'monitor.py'
_MODULES = _UTILS + 'modules.py'
_REPAIR = _UTILS + 'repair.py'
_DOORS = _UTILS + 'utils.py'
_DATA = 'AutoTrainer/data/'
_DEMOS = 'AutoTrainer/demo_case/'


def _costs(solutions: Tuple[str, ...], upstream: int, here: int) -> Known:
    return Known('solution', 'sufferance', solutions, 'changed', 'the number says what may change',
                 '', ('%d' % upstream,), '%d' % here, 'sufferance of the solutions')


def _moved(upstream: str, here: str) -> Known:
    if upstream.startswith(_DEMOS):
        return Known('file', '', (upstream,), 'renamed', 'a `demo.py` in the folder of each case, '
                     'with a configuration that anybody can read',
                     '`python reproduce.py --all-cases`', here=here)
    return Known('file', '', (upstream,), 'renamed', 'the folders have the names that they have '
                 "in upstream's later revision", '`python -m Motivation.collect`', here=here)


FILES: Tuple[Known, ...] = (
    Known('file', '', ('AutoTrainer/reproduce.py',), 'renamed',
          'it stands at the root, beside requirements.txt, and finds the package without a change '
          'of the search path', '`python reproduce.py`', here='reproduce.py'),
    Known('file', '', (_UTILS + 'gradient.py',), 'gone',
          'nothing of upstream calls it, and it cannot be imported: what it imports is not there',
          '`Probe` in `utils/compute_gradient.py`'),
    Known('file', '', ('AutoTrainer/demo_test.py', 'AutoTrainer/new_model.py'), 'gone',
          'scripts of one machine: their defaults are paths that nobody else has',
          '`python reproduce.py --case NAME`, `model_train`', row='demo_test_crash'),
    _moved(_DEMOS + 'Data_Issue_case/demo_data.py', _DEMOS + 'Abnormal_Data_Case/demo.py'),
    _moved(_DEMOS + 'Loss_Issue_Case/demo.py', _DEMOS + 'Improper_Loss_Case/demo.py'),
    _moved(_DEMOS + 'Improper_Activation_case/demo_activation.py',
           _DEMOS + 'Improper_Activation_case/demo.py'),
    _moved(_DEMOS + 'Gradient_Vanish_Case/demo_rnn.py', _DEMOS + 'Sequence_LSTM_Case/demo.py'),
    _moved('Motivation/dying_relu/train_20.py', 'Motivation/DyingReLU/train.py'),
    _moved('Motivation/unstable/train_34.py', 'Motivation/OscillatingLoss/train.py'),
)

SCRIPTS: Tuple[Known, ...] = (
    Known('function', '*', ('get_dataset',), 'renamed',
          'one function for all scripts, instead of a copy in each',
          '`from AutoTrainer import get_dataset`', here='AutoTrainer.get_dataset'),
    Known('function', '*', ('minist_load_data',), 'renamed', 'data sets go by their names',
          "`get_dataset('mnist')`", here='AutoTrainer.get_dataset'),
    Known('constant', '*', ('epochs', 'train_num', 'opt'), 'gone',
          'what an experiment is made with is said on its command line',
          '`python -m Motivation.collect --epochs 50 --runs 100`', ('50', '100', "'adam'")),
    Known('flag', 'reproduce.py', ('--model_path', '--config_path'), 'changed',
          'without any argument the demo case Gradient_Vanish_Case runs, wherever it is called '
          'from', '', ("'./demo_case/Gradient_Vanish_Case/model.h5'",
                       "'./demo_case/Gradient_Vanish_Case/config.pkl'"), 'None'),
    Known('flag', 'reproduce.py', ('--check_interval',), 'changed',
          "the default schedule is the thesis's", '`--check_interval 3`', ('3',), 'None',
          'default checktype'),
    Known('flag', 'reproduce.py', ('--result_dir', '--log_dir', '--new_issue_dir', '--root_dir'),
          'changed', 'a folder for each run, so that no run overwrites another; the log and the '
          'records of new issues only where they are asked for', '',
          ("'./tmp/result_dir'", "'./tmp/result_dir_1'", "'./tmp/log_dir'", "'./tmp/new_issue'",
           "'./tmp'")),
    Known('threshold', 'reproduce.py', ('Theta',), 'changed',
          "one default for all doors, that of upstream's `model_train`",
          '`--satisfied-acc 0.6`', ('0.6',), '0.7', 'Θ'),
)

MONITOR: Tuple[Known, ...] = (
    Known('function', _MONITOR, ('inclusion_ratio',), 'gone', 'nothing of upstream calls it',
          '`numpy.mean(array == x)`'),
    Known('function', _MONITOR, ('get_layer_output',), 'gone',
          'it builds a function of the backend for every layer at every check',
          '`Probe.outputs`', row='layer outputs'),
    Known('function', _MONITOR, ('get_weights',), 'gone', 'nothing of upstream calls it',
          '`Probe.outputs`, `model.get_weights`'),
    Known('function', _MONITOR, ('check_large_loss',), 'gone',
          'the rule is part of `loss_issue`, with `LARGE_LOSS` as its threshold',
          '`loss_issue`', ('test_loss, train_loss, threshold=1000',), row='a large finite loss'),
    Known('function', _MONITOR, ('check_abnormal_value',), 'gone',
          'the rule is part of `loss_issue`', '`loss_issue`',
          row='nan_max_order'),
    Known('function', _MONITOR + ':IssueMonitor', ('judge_issue',), 'renamed',
          'it gives the issues with their reasons, and prints nothing', '`IssueMonitor.judge`',
          here='IssueMonitor.judge', row='debug_print'),
    Known('function', _MONITOR, ('gradient_message_summary',), 'otherwise',
          'upstream gives two lists in lists; here a `GradientSummary`, whose parts have names',
          '`summary.kernels`, `summary.zero_share`', ('gradient_list',)),
    Known('function', _MONITOR, ('loss_issue',), 'otherwise',
          'no dictionary is changed: it takes the `HistoryState` and gives the reason of each '
          'symptom, or None', '`IssueMonitor.determine`',
          tuple('%s, history, total_epoch, satisfied_acc, checkgap, unstable_threshold=0.05, '
                'judgment_point=0.3, unstable_rate=0.25, epsilon=0.01, sc_threshold=0.01' % name
                for name in ('feature_dict', 'feature_dic'))),
    Known('function', _MONITOR, ('weights_issue',), 'otherwise',
          'it takes a `GradientSummary`; upstream calls a weight large from 5 on, here it is 1000, '
          'and no verdict rests on either', '`IssueMonitor.determine`',
          tuple('%s, weights, last_weights, threshold_large=5, threshold_change=0.1' % name
                for name in ('feature_dict', 'feature_dic'))),
    Known('function', _MONITOR, ('gradient_issue',), 'otherwise',
          'it takes a `GradientSummary` and the thresholds by name', '`IssueMonitor.determine`',
          tuple('%s, gradient_list, threshold_low=0.001, threshold_low_1=0.0001, '
                'threshold_high=70, threshold_die_1=0.7' % name
                for name in ('feature_dict', 'feature_dic'))),
    Known('function', _MONITOR, ('layer_issue',), 'otherwise',
          'it takes the `Task` and an `OutputSummary` instead of arrays', '`Probe.outputs`',
          ('feature_dict, layer_output_list, input_threshold=10, acti_threshold=1',),
          row='activation_issue'),
    Known('function', _MONITOR, ('loss_function_issue',), 'otherwise',
          'it takes the `Task`, which knows the labels too', '`check`',
          ('feature_dict, loss_function, output_shape, activation',), row='loss_issue'),
    Known('argument', _MONITOR + ':IssueMonitor:__init__', ('determine_threshold',), 'changed',
          'upstream: the checks, in a row or not, in which a gradient symptom must have shown; '
          'here `alpha_1` to `alpha_3` say so, of checks in a row, and this is the epochs in a '
          "row that overfitting must last", "`params={'alpha_1': 0}` for 1", ('1',), '5',
          'alpha_unread'),
    Known('feature', 'feature', ('weight_change_little',), 'gone', 'upstream never sets it'),
)

MODULES: Tuple[Known, ...] = (
    Known('function', _MODULES, ('csv_determine',), 'gone',
          'no table of crosses and ticks is written beside the run',
          '`attempts` in `result.json`', row='results'),
    Known('function', _MODULES, ('comband_solutions',), 'gone',
          'nothing of upstream calls it, and it never ends'),
    Known('function', _MODULES, ('filtered',), 'renamed', 'a filter that changes no list',
          '`Repair_Module.candidates`', here='Repair_Module.candidates', row='sufferance_crash'),
    Known('function', _MODULES, ('merge_history',), 'gone',
          'every attempt keeps its own history', '`RunReader`, `history.csv` of each attempt'),
    Known('function', _MODULES, ('get_new_dir',), 'gone', 'folders are those of the run',
          '`new_issue_dir`', row='new_issue_dir'),
    Known('function', _MODULES, ('notify_result',), 'renamed',
          'the solutions stand in one dictionary, by name', '`SOLUTIONS[name].apply`',
          here='utils.repair.SOLUTIONS'),
    Known('function', _MODULES + ':Repair_Module', ('__init__',), 'otherwise',
          'it takes who trains (a `Runner`) and the settings (`Repairing`) instead of a model',
          '`model_train`, `repair`',
          ("config_set, model, training_config, issue_list, sufferance, memory, satisfied_acc, "
           "root_path, method='balance', checktype='epoch_3', determine_threshold=5",)),
    Known('function', _MODULES + ':Repair_Module', ('solve',), 'otherwise',
          'it takes the candidate and what its training came to, and gives a `Repair`',
          '`model_train`, `repair`', ('tmp_dir, new_issue_dir',)),
    Known('function', _MODULES + ':Repair_Module',
          ('issue_repair', 'get_file_name', 'update_current_solution'), 'gone',
          'parts of `solve` that write and pickle on the way', '`Repair_Module.solve`'),
    Known('strategy', '*', ('unstable', 'not_converge'), 'changed',
          "an early commit of the branch ICSE'21 has three sizes of a batch and no new starting "
          'weights; here the orders of the later ones', '',
          ("['adam_1', 'lr_3', 'ReduceLR_1', 'batch_3', 'momentum_3', 'GN_1']",
           "['optimizer_3', 'lr_3']")),
    Known('issue', 'priority', ('need_train',), 'gone', 'no rule of upstream gives it'),
    _costs(('relu', 'selu', 'tanh'), 1, 2), _costs(('bn',), 2, 3),
    _costs(('GN', 'dropout'), 2, 1), _costs(('activation', 'data'), 0, 1),
    Known('solution', 'memory', ('batch',), 'changed',
          'a batch of 256 rows needs more memory than one of 32', '', ('False',), 'True'),
)

REPAIR: Tuple[Known, ...] = (
    Known('constant', _REPAIR, ('tmp_model_path',), 'gone',
          'no model is saved and loaded again to be changed', row='tmp_models_cwd'),
    Known('constant', _REPAIR, ('Insert_Layers',), 'gone',
          'layers are found by what they are, not by their names', row='names_decide'),
    Known('function', _REPAIR, ('has_NaN',), 'renamed', 'it stands in one place',
          '`utils.monitor.has_NaN`', here='utils.monitor.has_NaN'),
    Known('function', _REPAIR, ('reload_model', 'reconstruct_model'), 'gone',
          'a candidate is built anew from its configuration and its first weights',
          '`keras_bridge.take_blueprint`, `keras_bridge.build_model`', row='initial_keeps_weights'),
    Known('function', _REPAIR, ('random_kwargs_list',), 'gone',
          'each try has a random state of its own', '', row='nothing_seeded'),
    Known('function', _REPAIR, ('last_layer',), 'gone',
          'layers are found by what they are, not by their names', '`keras_bridge.take_blueprint`',
          row='names_decide'),
    Known('function', _REPAIR, ('insert_intermediate_layer_in_keras',
                                'replace_intermediate_layer_in_keras', 'DNN_skip_connect'), 'gone',
          'they chain layers anew as a straight line', '`solutions/graph.py`',
          row='branches_break'),
    Known('function', _REPAIR, ('modify_initializer', 'not_dense_acti', 'modify_last_activations',
                                'modify_activations', 'modify_regularizer', 'Dropout_network',
                                'BN_network', 'Gaussian_Noise'), 'gone',
          'they change the layers of the model itself', '`solutions/structure.py`',
          row='seed_model_mutated'),
    Known('function', _REPAIR, ('modify_optimizer',), 'gone',
          'an optimizer is a description, from which each attempt gets a fresh one',
          '`solutions/training.py`', row='adam_h5_crash'),
    Known('function', _REPAIR, ('select_acti', 'select_loss'), 'gone',
          'what fits the labels is looked up', '`solutions/head.py`, `judge/losses.py`',
          row='loss_solution_random_regression'),
    Known('function', _REPAIR, ('preprocess',), 'gone', 'no array is changed',
          "the solution `data`", row='dataset_mutated'),
    Known('function', _REPAIR, tuple('op_' + name for name in (
        'gradient', 'relu', 'tanh', 'bn', 'initial', 'selu', 'leaky', 'adam', 'lr', 'ReduceLR',
        'momentum', 'batch', 'GN', 'optimizer', 'dropout', 'regular', 'loss', 'activation',
        'EarlyStop', 'preprocess')), 'renamed',
          'pure functions in `solutions/`, which take a candidate and give another',
          "`SOLUTIONS['selu'].apply` and so on; `op_EarlyStop` is `estop`, `op_preprocess` `data`",
          here='utils.repair.SOLUTIONS', row='solutions_stack'),
    Known('function', _REPAIR, ('repair_default',), 'gone',
          'an unknown name is an error and ends no process', row='read_strategy'),
    Known('function', _REPAIR, ('repair_strategy',), 'otherwise',
          'upstream gives its six or nine lists in a row, here a dictionary has them by issue',
          "`repair_strategy(method)['vanish']`, and so on by the issue",
          ("method='balance'",), row='repair_strategy'),
)

DOORS: Tuple[Known, ...] = (
    Known('function', _DOORS, ('has_NaN',), 'renamed', 'it stands in one place',
          '`utils.monitor.has_NaN`', here='utils.monitor.has_NaN'),
    Known('function', _DOORS, ('save_model',), 'renamed', 'an error is raised, not logged',
          '`keras_bridge.save_model`', here='keras_bridge.save_model'),
    Known('function', _DOORS, ('generate_fig',), 'gone', 'figures are drawn from the histories',
          '`report.html` of the run folder, `python -m Motivation.figures`'),
    Known('function', _DOORS, ('read_csv',), 'gone', 'a history has its columns by name',
          '`RunReader`, `pandas.read_csv`'),
    Known('function', _DOORS, ('check_point_model',), 'gone', 'it saves the epoch of the best '
          'validation accuracy under another name, and nothing of upstream reads that file',
          'a `ModelCheckpoint` among the `callbacks`'),
    Known('function', _DOORS, ('rename_model_weights',), 'gone',
          'models are saved without the optimizer, whose variables it renames', '',
          row='adam_h5_crash'),
    Known('function', _DOORS, ('pack_train_config',), 'renamed', 'a record with names',
          '`Training`', here='solutions.candidate.Training', row='callbacks_shared'),
    Known('result', _DOORS, ('model_train',), 'changed',
          'with `autorepair` the three that upstream names in its documentation, of which it gives '
          'none; without, the issues and the solutions', '`result, model, path = model_train(…)`',
          ('3 values',), 'as is asked for', 'return_222'),
    Known('result', _DOORS, ('model_retrain',), 'changed',
          'an `Outcome` instead of model, issues, accuracy and history',
          '`outcome.model`, `outcome.record.issues`, `outcome.record.val_accuracy`, `history.csv`',
          ('4 values',), '5 values'),
    Known('argument', '*', ('params', 'logs'), 'changed',
          'a dictionary as a default is shared by all calls; None means the same', '', ('{}',),
          'None'),
    Known('argument', '*', ('checktype',), 'changed', "the thesis's schedule",
          "`checktype='epoch_3'`", ("'epoch_3'", "'epoch_5'"), "'dynamic'", 'default checktype'),
    Known('argument', _DOORS + ':LossHistory:__init__', ('satisfied_count',), 'changed',
          'it has no effect upstream; here it would end a training', '`satisfied_count=3`', ('3',),
          'None', 'satisfied_acc_ignored'),
    Known('argument', '*', ('determine_threshold',), 'changed',
          'one default for all doors; what it means is otherwise too: see `IssueMonitor`',
          "`params={'alpha_1': 2, 'alpha_2': 2, 'alpha_3': 2}` for 3", ('1', '3'), '5',
          'alpha_unread'),
    Known('argument', _DOORS + ':model_retrain', ('verb',), 'changed',
          'a repair prints as little as the first training', '`verb=1`', ('1',), '0'),
    Known('class', _UTILS + 'TimeCounter.py', ('TimeHistory',), 'gone',
          'every event carries its time, every training its seconds and its `history.csv`',
          '`TimeCounter`, `seconds` in `result.json`'),
    Known('class', _UTILS + 'logger.py', ('Logger',), 'gone',
          "it configures the root logger of whoever imports it; here it is Python's `logging`",
          "`logging.getLogger('AutoTrainer')`", row='debug_print'),
    Known('function', _UTILS + 'compute_gradient.py', ('get_gradients', '_get_grads_graph',
                                                       '_get_grads_eager'), 'gone',
          'the gradients are summarised on the device, before the optimizer clips them',
          '`Probe(model, probe_batch((x, y), rows, seed)).gradients()`', row='clip_hides'),
    Known('function', _UTILS + 'compute_gradient.py', ('check_version',), 'gone',
          'one seam knows the versions', '`keras_bridge`'),
)

DATA: Tuple[Known, ...] = (
    Known('function', '*', ('preprocess',), 'otherwise',
          'it takes what `load_data` gives and makes the whole data set of it, scaled by the '
          'training rows and with its labels', '`get_dataset(name)`',
          ("x, bk='tensorflow'", "x, maxlen=300, bk='tensorflow'",
           "x, maxlen=500, bk='tensorflow'", 'x'), row='data by name'),
    Known('function', _DATA + 'mnist.py', ('preprocess_1',), 'renamed', 'images by name',
          "`get_dataset('mnist_image')`", here="get_dataset('mnist_image')"),
    Known('argument', '*', ('max_features',), 'gone',
          'each set has one vocabulary, 5000 words for imdb and 1000 for reuters', '',
          ('5000', '10000'), row='data by name'),
)

NAMES: Tuple[Known, ...] = FILES + SCRIPTS + MONITOR + MODULES + REPAIR + DOORS + DATA
"""Every difference by name that is meant."""
