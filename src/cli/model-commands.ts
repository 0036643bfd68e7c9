/** The commands about models: those that are there, channels to judge them on, training, and the papers they are from. */
import type { Command } from 'commander';
import { OBJECTIVE_NAMES } from '../../core/signal/objectives/objective-names.ts';
import { DEFAULT_SWEEPS, QUANTISER_NAMES } from '../../core/signal/quantiser-names.ts';
import { FAMILY_IDS } from '../../models/families.ts';
import { pathArgument as path } from './arguments.ts';
import type { ChannelsOptions } from './channels.ts';
import type { EvaluateOptions } from './evaluate.ts';
import type { ReproduceOptions } from './reproduce.ts';

/** @param command makes one of the program's commands, with examples */
export function modelCommands(command: (usage: string, summary: string, examples: string[]) => Command): void {
  const models = command('models', 'list, show and verify models and baselines', [
    'beamrig models',
    'beamrig models show unfolded-pga-n64',
    'beamrig models verify',
    'beamrig models card my-model.onnx',
  ])
    .option('--json', 'as JSON')
    .action(async (options: object) => (await import('./models.ts')).listAll(options));
  models
    .command('show')
    .description('print the card of a model')
    .argument('<model>', 'id of the zoo, or path of an .onnx file', path)
    .addHelpText('after', '\nExample:\n  $ beamrig models show unfolded-pga-n64')
    .action(async (model: string) => (await import('./models.ts')).show(model));
  models
    .command('verify')
    .description('check checksum, card and tensors of one model, or of the whole zoo, run it, and tell all that does not fit')
    .argument('[model]', 'id of the zoo, or path of an .onnx file', path)
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ beamrig models verify unfolded-pga-n64\n  $ beamrig models verify my-model.onnx --json',
    )
    // `models` itself has the option, too, and takes it.
    .action(async (model: string | undefined, _options: object, { parent }: Command) =>
      (await import('./models.ts')).verify(model, { json: parent?.getOptionValue('json') === true }),
    );
  models
    .command('card')
    .description('begin the card of an ONNX file of your own: what the file says of itself is in it, the rest is marked TODO')
    .argument('<file>', 'path of an .onnx file', path)
    .option('--output <file>', 'where to write it; - for standard output (default: beside the file)', path)
    .option('--force', 'write over a card that is there')
    .addHelpText('after', '\nExample:\n  $ beamrig models card my-model.onnx')
    .action(async (file: string, options: object) => (await import('./models.ts')).beginCard(file, options));

  command('channels', 'draw channels into a .npy file: a half-wave line array, paths at angles all around (Saleh-Valenzuela)', [
    'beamrig channels channels.npy --elements 64 --users 4 --count 200',
  ])
    .argument('<file>', 'where to write them, complex128 of shape [n, K, N] with rows h_kᴴ', path)
    .option('--elements <n>', 'N, elements of the array', '64')
    .option('--users <n>', 'K, users', '4')
    .option('--count <n>', 'n, channels', '200')
    .option('--paths <n>', 'paths to each user', '10')
    .option('--scale <name>', 'unit-element (mean |h|² of 1) or paper-001 (‖h‖² of as many as there are paths)', 'unit-element')
    .option('--seed <n>', 'the same seed gives the same channels; models of the zoo have never seen any of these', '1')
    .option('--force', 'write over a file that is there')
    .action(async (file: string, options: ChannelsOptions) => (await import('./channels.ts')).draw(file, options));

  command('evaluate', 'sum rate of a model or baseline on channels from a file, beside digital ZF and WMMSE', [
    'beamrig evaluate unfolded-pga-n64 --channels channels.npy --conjugate --snr 0,10,20 --bits 2,3,inf',
    'beamrig evaluate aligned --channels channels.npy --snr 10 --rf-chains 4 --bits 2 --quantiser array --json',
    'beamrig evaluate my-model.onnx --channels channels.npy --engine onnxruntime',
    'beamrig evaluate phase-net --channels channels.npy --connection sub --bits 1,inf',
    'beamrig evaluate long-run --channels channels.npy --queue redis://10.0.0.7:6379',
    'beamrig evaluate aligned --channels channels.npy --sensing=-60,0,60 --objective rate-sensing --omega 0.3',
  ])
    .argument('<model>', 'id of the zoo, path of a model, or name of a baseline', path)
    .requiredOption('--channels <file>', 'channels, a .npy file of shape [n, K, N]', path)
    .option('--conjugate', 'conjugate them: for files whose rows are h_k and not h_kᴴ')
    .option('--snr <list>', 'total power over noise, dB', '0,10,20')
    .option('--bits <list>', 'bits of a phase word, 1 to 16; inf for phases as they come', 'inf')
    .option('--rf-chains <m>', 'RF chains for a baseline or a model that serves every array (default: as many as users)')
    .option(
      '--connection <kind>',
      'full: every chain reaches every element; sub: each its own run of them, for baselines and models that serve such arrays',
      'full',
    )
    .option(
      '--objective <name>',
      `what digital weights are best for as they are solved again: ${OBJECTIVE_NAMES.join(', ')}`,
      'sum-rate',
    )
    .option('--quantiser <name>', `how phases become words: ${QUANTISER_NAMES.join(' or ')}`, 'nearest')
    .option('--sweeps <n>', `how often the quantiser array goes through all elements (default: ${DEFAULT_SWEEPS})`)
    .option('--engine <name>', 'what computes a model: auto, compiled or onnxruntime (default: auto)')
    .option('--steps <t>', 'budget of steps, of a model that serves every array (default: its own)')
    .option('--normalise', 'scale all channels alike to a mean |h|² of 1')
    .option('--sensing <list>', 'azimuths to sense at, degrees, of a half-wave line array: τ, R − ωτ and the pattern error, too')
    .option('--sensing-width <degrees>', 'width of the box around each (default: 10)')
    .option(
      '--covariance <file>',
      'instead: the covariance to radiate, a .npy file [N, N], or [S, N, N] for one each SNR, of any power',
      path,
    )
    .option('--omega <weight>', 'ω: bit/s/Hz that a unit of τ costs (default: 0.3)')
    .option(
      '--own-digital',
      'at inf bits keep the digital weights that the model gave (default: the better of those and of ones solved again, as at all bits)',
    )
    .option(
      '--workers <n>',
      'threads that compute (default: one for each core, fewer where there are few channels); with --queue, jobs at a time (default: 256)',
    )
    .option('--queue <url>', 'have `beamrig worker`s compute, on any number of machines: redis://HOST:PORT')
    .option('--json', 'as JSON')
    .action(async (model: string, options: EvaluateOptions) => (await import('./evaluate.ts')).evaluate(model, options));

  // Flags and help of a family are made of its options, which are loaded when it is named: see train.ts.
  command('train', 'train a model; Ctrl-C keeps a checkpoint to go on from', [
    `beamrig train ${FAMILY_IDS[0]} --help`,
    `beamrig train ${FAMILY_IDS[0]} --elements 64 --output my-model.onnx`,
  ])
    .usage('<family> [options]')
    .addHelpText('after', `\nFamilies, each with options and a help of its own: ${FAMILY_IDS.join(', ')}`)
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async (_: object, trainCommand: Command) =>
      (await import('./train.ts')).trainAsTyped(trainCommand, trainCommand.args),
    );

  command(
    'reproduce',
    "a paper's figures, tables and claims again, beside what it prints: one HTML report; Ctrl-C loses nothing",
    ['beamrig reproduce 000 --quick', 'beamrig reproduce 001 --output paper-001.html', 'beamrig reproduce 001 --quick --json'],
  )
    .argument('<paper>', '000: UPGANet, communications and sensing; 001: unfolded projected gradient ascent (both Nguyen et al.)')
    .option('--quick', 'few channels, and nothing is trained: a look in a minute; the report says so')
    .option('--count <n>', 'test channels (default: 100 of paper 000, 200 of 001; 10 with --quick)')
    .option('--seed <n>', 'of the channels', '1')
    .option('--channels <file>', 'of paper 000: the authors’ test channels, a .npy file of shape [n, 4, 64]', path)
    .option('--conjugate', 'conjugate them: theirs have rows h_k')
    .option('--covariance <file>', 'their wanted covariance for each SNR, a .npy file of shape [7, 64, 64]', path)
    .option(
      '--output <file>',
      'where the report goes, .html or .md (default: paper-000.html or paper-001.html; with --json none)',
      path,
    )
    .option('--force', 'write over a file that is there')
    .option('--json', 'the report as JSON on standard output')
    .action(async (paper: string, options: ReproduceOptions) => (await import('./reproduce.ts')).reproduce(paper, options));
}
