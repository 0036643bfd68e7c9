/** Every subcommand with its options and an example. What a command does is loaded only when it runs, so that `--help` answers at once. */
import { Command } from 'commander';
import type { BeamOptions } from './beam.ts';
import type { ExportOptions, ImportOptions, SaveOptions } from './beams.ts';
import type { BrokerOptions } from './broker.ts';
import { calibrationCommands } from './calibration-commands.ts';
import { modelCommands } from './model-commands.ts';
import type { PanelOptions } from './panel-plan.ts';
import { regressionCommands } from './regression-commands.ts';
import type { ScanOptions } from './scan.ts';
import type { SteerOptions } from './steer.ts';
import { masked } from '../../core/errors/masked.ts';
import { packageVersion } from '../../core/files/package-root.ts';
import { LINK_FLAGS } from '../link/link-flags.ts';
import { pathArgument as path, several } from './arguments.ts';
import { stderr, stdout } from './output.ts';

export function createProgram(): Command {
  const program = new Command('beamrig')
    .description('Run a phased-array rig: a beamformer chooses the phases, panels get them as Q-bit words, SINR comes back.')
    .version(packageVersion())
    .showHelpAfterError('(beamrig --help, or beamrig COMMAND --help, says what there is)')
    .configureOutput({
      writeOut: (text) => stdout().write(text),
      writeErr: (text) => stderr().write(text),
      outputError: (text, write) => write(masked(text)),
    })
    .exitOverride();

  const command = (usage: string, summary: string, examples: string[]): Command =>
    program
      .command(usage)
      .description(summary)
      .addHelpText('after', `\nExample${examples.length > 1 ? 's' : ''}:\n${examples.map((line) => `  $ ${line}`).join('\n')}`);

  command('run', 'run a rig until Ctrl-C, or for a number of cycles', [
    'beamrig run examples/rigs/demo.yaml',
    'beamrig run rig.yaml --channels channels.npy --conjugate --cycles 100 --json',
  ])
    .argument('<rig>', 'rig file, YAML', path)
    .option('--channels <file>', 'channels from a .npy file of shape [n, K, N] instead of simulated users, one a cycle', path)
    .option('--conjugate', 'conjugate them: for files whose rows are h_k and not h_kᴴ')
    .option('--cycles <n>', 'end after so many cycles (default: with the last channel of a file, or never)')
    .option('--seed <n>', 'seed instead of the rig file’s')
    .option('--virtual-time', 'as fast as the machine goes, on simulated time: the same seed gives the same records')
    .option('--engine <name>', 'what computes a model: auto, compiled or onnxruntime (default: the rig file’s)')
    .option('--json', 'one JSON object a line instead of text')
    .action(async (rig: string, options: object) => (await import('./run.ts')).run(rig, options));

  command('steer', 'point the array somewhere until Ctrl-C, and say what the beam is like and how well it is received', [
    'beamrig steer rig.yaml --azimuth 20',
    'beamrig steer rig.yaml --azimuth=-35 --elevation 10 --user 1 --for 30 --json',
  ])
    .argument('<rig>', 'rig file, YAML', path)
    .requiredOption('--azimuth <degrees>', 'from broadside, positive towards element 0')
    .option('--elevation <degrees>', 'from the horizon, positive upwards; of a planar array', '0')
    .option('--user <k>', 'whose stream the beam carries, from 0: the others are sent nothing', '0')
    .option('--for <seconds>', 'end by itself after so long')
    .option('--save <name>', 'keep the beam as it is shown, by this name')
    .option('--svg <file>', 'draw its calculated pattern: over azimuth and, of a planar array, over elevation', path)
    .option('--force', 'write over a beam of this name, or a file that is there')
    .option('--json', 'one JSON object a line instead of text')
    .action(async (rig: string, options: SteerOptions) => (await import('./steer.ts')).steer(rig, options));

  command('scan', 'SINR against angle, measured beside calculated, drawn as it comes', [
    'beamrig scan rig.yaml --azimuth=-60:60:2 --csv scan.csv --svg scan.svg',
    'beamrig scan rig.yaml --codebook dft --user 1 --pilots 4096',
    'beamrig scan rig.yaml --beam 20 --azimuth=-90:90:1',
    'beamrig scan planar.yaml --beam 20,10 --elevation=-60:60:1 --svg elevation.svg',
  ])
    .argument('<rig>', 'rig file, YAML', path)
    .option('--azimuth <from:to:step>', 'angles, degrees: of the beams, or of the receiver with --beam (default: -60:60:2)')
    .option(
      '--elevation <degrees>',
      'of all of them, of a planar array; or a range FROM:TO:STEP at one azimuth (default: 0, or the beam’s)',
    )
    .option('--codebook <which>', 'other beams: dft, or beams (those that are kept by name)')
    .option(
      '--beam <degrees>',
      'one beam to this azimuth (or AZIMUTH,ELEVATION), and the receiver moved over the angles: by the simulator, or by you',
    )
    .option('--user <k>', 'whose receiver measures, from 0', '0')
    .option('--at <degrees>', 'azimuth (or AZIMUTH,ELEVATION) at which the receiver stands, where the rig does not know it')
    .option('--pilots <n>', 'pilots that a reading is averaged over (default: the rig file’s)')
    .option('--from-memory', 'switch to beams that were loaded into the panel’s memory instead of sending them')
    .option('--csv <file>', 'write the points as a table', path)
    .option('--svg <file>', 'write them as a picture', path)
    .option('--force', 'write over files that are there')
    .option('--json', 'one JSON object a line instead of text')
    .action(async (rig: string, options: ScanOptions) => (await import('./scan.ts')).scan(rig, options));

  command('mute', 'make the array dark and end, whatever its safe state is', ['beamrig mute rig.yaml'])
    .argument('<rig>', 'rig file, YAML', path)
    .option('--json', 'as JSON')
    .action(async (rig: string, options: object) => (await import('./mute.ts')).mute(rig, options));

  command('init', 'write a commented rig file to start from', ['beamrig init', 'beamrig init lab.yaml'])
    .argument('[file]', 'where to write it; an existing file is kept', path, 'rig.yaml')
    .action(async (file: string) => (await import('./init.ts')).init(file));

  command('doctor', 'say what is attached, what is missing and what to do', ['beamrig doctor', 'beamrig doctor rig.yaml --json'])
    .argument('[rig]', 'rig file whose links, key, folder, port and servers are looked at too', path)
    .option('--json', 'as JSON')
    .action(async (rig: string | undefined, options: object) => (await import('./doctor.ts')).doctor(rig, options));

  command('panels', 'list serial ports, the links of a rig file, and the panel at the other end of each', [
    'beamrig panels',
    'beamrig panels rig.yaml --json',
  ])
    .argument('[rig]', 'rig file whose links are asked', path)
    .option('--json', 'as JSON')
    .option('--no-hello', 'only list; open nothing')
    .option('--baud <rate>', 'baud rate to ask ports at that no rig file names (default: 921600)')
    .action(async (rig: string | undefined, options: object) => (await import('./panels.ts')).panels(rig, options));

  const panel = command('panel', 'play the panels of a rig as a process, at the far ends of its links, until Ctrl-C', [
    'beamrig panel rig.yaml --serial /dev/pts/5',
    'beamrig panel rig.yaml --link left --serial left=/dev/pts/5@115200 --behaviour drop:probability=0.01',
    'beamrig panel rig.yaml --tcp right=4001',
    'beamrig panel rig.yaml --mqtt right=mqtt://127.0.0.1:1883 --state counters',
    'beamrig panel --elements 64 --rf-chains 4 --phase-bits 6 --users 4 --panel SIM-0001 --serial /dev/pts/5',
  ])
    .argument('[rig]', 'rig file; without it the next options say what the panel is', path)
    .option('--elements <n>', 'antenna elements')
    .option('--rf-chains <m>', 'RF chains')
    .option('--phase-bits <q>', 'bits of a phase word')
    .option('--users <k>', 'users')
    .option('--panel <serial>', 'serial number')
    .option('--role <role>', 'array, or user: a board with receivers of all users and no elements')
    .option('--link <name>', 'play only the panel of this link; may be repeated', several);
  for (const [kind, { usage, what }] of Object.entries(LINK_FLAGS)) {
    panel.option(`--${kind} <${usage}>`, `${what}; may be repeated`, several);
  }
  panel
    .option('--behaviour <[link=]fault>', 'a fault to play, such as drop:probability=0.01; may be repeated', several)
    .option('--rig-behaviours', 'play the faults of the rig file’s simulator, too')
    .option('--seed <n>', 'seed instead of the rig file’s; that of the run')
    .option('--channels <file>', 'the run’s channels, a .npy file of shape [n, K, N]', path)
    .option('--conjugate', 'conjugate them')
    .option('--state <folder>', 'keep what must survive a restart: counters of authenticated frames', path)
    .option('--log <what>', 'events, or beams: a line for every beam radiated, too')
    .option('--json', 'one JSON object a line')
    .action(async (rig: string | undefined, options: PanelOptions) => (await import('./panel.ts')).panel(rig, options));

  command('beam', 'show a beam that a run kept, check it against its record, and send it again', [
    'beamrig beam runs/20261122T073000Z-demo --cycle 17',
    'beamrig beam runs/20261122T073000Z-demo --cycle 17 --send rig.yaml',
  ])
    .argument('<run>', 'folder of a run whose rig file had telemetry.keep', path)
    .requiredOption('--cycle <n>', 'the cycle, from 0')
    .option('--send <rig>', 'rig file of an array to send it to: it is radiated, SNR is read back, and the array made safe', path)
    .option('--cycles <n>', 'with --send: radiate it for so many cycles of that rig', '1')
    .option('--json', 'as JSON: words, digital weights and channel in full')
    .action(async (run: string, options: BeamOptions) => (await import('./beam.ts')).beam(run, options));

  calibrationCommands(command);

  const beams = command('beams', 'beams that are kept by name: saved, listed, sent, exported and imported', [
    'beamrig beams save rig.yaml east --azimuth 40',
    'beamrig beams list rig.yaml',
    'beamrig beams send rig.yaml east --for 10',
  ]);
  beams
    .command('save')
    .description('keep a beam by a name: towards a direction, or one that a run kept')
    .argument('<rig>', 'rig file, YAML', path)
    .argument('<name>', 'name of the beam')
    .option('--azimuth <degrees>', 'from broadside, positive towards element 0')
    .option('--elevation <degrees>', 'from the horizon, positive upwards; of a planar array', '0')
    .option('--user <k>', 'whose stream the beam carries, from 0', '0')
    .option('--run <folder>', 'folder of a run whose rig file had telemetry.keep', path)
    .option('--cycle <n>', 'with --run: the cycle, from 0')
    .option('--force', 'write over a beam of this name')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  $ beamrig beams save rig.yaml best --run runs/20261122T073000Z-demo --cycle 17')
    .action(async (rig: string, name: string, options: SaveOptions) => (await import('./beams.ts')).save(rig, name, options));
  beams
    .command('list')
    .description('the beams of a rig, with what they are like, calculated for ideal states')
    .argument('<rig>', 'rig file, YAML', path)
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  $ beamrig beams list rig.yaml')
    .action(async (rig: string, options: object) => (await import('./beams.ts')).list(rig, options));
  beams
    .command('send')
    .description('radiate a beam until Ctrl-C; its words go out as they are')
    .argument('<rig>', 'rig file, YAML', path)
    .argument('<name>', 'name of the beam')
    .option('--from-memory', 'switch to it in the panel’s memory, where `beams load` has put it, by one short frame')
    .option('--for <seconds>', 'end by itself after so long')
    .option('--cycles <n>', 'end after so many cycles')
    .option('--json', 'one JSON object a line instead of text')
    .addHelpText('after', '\nExample:\n  $ beamrig beams send rig.yaml east --for 10')
    .action(async (rig: string, name: string, options: object) => (await import('./beams.ts')).send(rig, name, options));
  beams
    .command('load')
    .description('put beams into the panel’s own memory, as many as it has room for; all of them where none is named')
    .argument('<rig>', 'rig file, YAML', path)
    .argument('[names...]', 'names of beams')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ beamrig beams load rig.yaml east west\n  $ beamrig beams send rig.yaml east --from-memory',
    )
    .action(async (rig: string, names: string[], options: object) => (await import('./load-beams.ts')).load(rig, names, options));
  beams
    .command('export')
    .description('beams as the table of an array kit, comma-separated; all of them where none is named')
    .argument('<rig>', 'rig file, YAML', path)
    .argument('[names...]', 'names of beams')
    .option('-o, --output <file>', 'file to write (default: standard output)', path)
    .option('--angles', 'where a beam points, in whole degrees, instead of its channels')
    .option('--mode <mode>', 'tx or rx', 'tx')
    .option('--force', 'write over a file that is there')
    .addHelpText('after', '\nExample:\n  $ beamrig beams export rig.yaml east west -o table.csv')
    .action(async (rig: string, names: string[], options: ExportOptions) =>
      (await import('./beams.ts')).exportTable(rig, names, options),
    );
  beams
    .command('import')
    .description('the beams of the table of an array kit, kept by name')
    .argument('<rig>', 'rig file, YAML', path)
    .argument('<table>', 'comma-separated, with columns Mode, BeamID, BeamType, …', path)
    .option('--prefix <text>', 'begins their names (default: tx- or rx-)')
    .option('--mode <mode>', 'tx or rx', 'tx')
    .option('--user <k>', 'whose stream they carry, from 0', '0')
    .option('--force', 'write over beams of these names')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  $ beamrig beams import rig.yaml CustomBatchBeams.csv')
    .action(async (rig: string, file: string, options: ImportOptions) =>
      (await import('./beams.ts')).importTable(rig, file, options),
    );

  command('broker', 'start an MQTT broker for a bench that has none, until Ctrl-C', [
    'beamrig broker',
    'beamrig broker --port 8883 --tls-cert broker.pem --tls-key broker.key --user rig --password-env BROKER_PASSWORD',
  ])
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <port>', 'port (default: 1883; 0 takes any free one)')
    .option('--user <name>', 'ask clients for this user')
    .option('--password-env <variable>', 'environment variable that holds the password')
    .option('--tls-cert <file>', 'certificate of the broker, PEM: TLS', path)
    .option('--tls-key <file>', 'its private key, PEM', path)
    .option('--ca <file>', 'ask clients for a certificate that this authority signed', path)
    .option('--json', 'one JSON object a line')
    .action(async (options: BrokerOptions) => (await import('./broker.ts')).broker(options));

  modelCommands(command);
  regressionCommands(command);

  command('export', 'a run as a table, or again into InfluxDB', [
    'beamrig export runs/20261122T073000Z-demo --csv -o demo.csv',
    'beamrig export runs/20261122T073000Z-demo --influx http://127.0.0.1:8086/beamrig',
    'beamrig export runs/20261122T073000Z-demo --influx http://lab@10.0.0.7:8086/beamrig --password-env LAB_PASSWORD',
  ])
    .argument('<run>', 'folder of a run, complete or cut off', path)
    .option('--csv', 'one row a cycle, comma-separated, units in the column names')
    .option('-o, --output <file>', 'file to write (default: standard output)', path)
    .option('--force', 'write over a file that is there')
    .option('--influx <url>', 'send the points to an InfluxDB server; points it has already change nothing')
    .option('--password-env <name>', 'environment variable that holds the password of the user in the URL')
    .option('--token-env <name>', 'environment variable that holds a token of InfluxDB 2')
    .action(async (run: string, options: object) => (await import('./export.ts')).exportRun(run, options));

  return program;
}
