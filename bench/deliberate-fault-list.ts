/** The faults of deliberate-faults.ts: one line each, and the scenarios that have to turn red by it. */

export interface DeliberateFault {
  name: string;
  about: string;
  /** From the root of the package. */
  file: string;
  /** Stands there once. */
  from: string;
  to: string;
  /** The card that has the checksum of the file. */
  sealedBy?: string;
  /** Scenarios, or cases of them, that have to turn red. */
  red: readonly string[];
  /** What may as well, because it shows the same fault; nothing else may. */
  also?: { red: readonly string[]; why: string };
}

/** The same over a broker and the C firmware, where time is real: frames come late by themselves, and cycles are void. */
const BY_CARRIER: readonly string[] = [
  ...['beam-by-hand', 'cable-pulled', 'frames-damaged', 'frames-lost', 'frames-out-of-order', 'frames-replayed', 'frames-twice'],
  ...['model-and-q-switched', 'muted-by-the-operator', 'panel-hangs', 'panel-restarts', 'safe-state-codeword'],
  'stopped-by-the-operator',
].map((name) => `${name}-by-carrier`);

export const DELIBERATE_FAULTS: readonly DeliberateFault[] = [
  {
    name: 'quantiser',
    about: 'phases are cut off instead of rounded',
    file: 'dist/core/signal/quantise.js',
    from: 'const nearest = Math.round(phaseRad[i] * perRadian);',
    to: 'const nearest = Math.floor(phaseRad[i] * perRadian);',
    red: ['same-words', 'same-words-two-panels'],
  },
  {
    name: 'driver-retry',
    about: 'a request without an answer is given up after one sending',
    file: 'dist/src/panel/request-line.js',
    from: 'if (entry.attempts >= entry.mostAttempts || waitedMs >= entry.totalMs - 1e-3)',
    to: 'if (entry.attempts >= 1 || waitedMs >= entry.totalMs - 1e-3)',
    red: ['frames-lost-1-percent', 'frames-lost-10-percent', 'frames-damaged'],
    also: {
      red: ['frames-out-of-order', 'panel-busy', 'panel-stalls', 'same-words', ...BY_CARRIER],
      why: 'answers come late there, as they may where time is real',
    },
  },
  {
    name: 'beam-identity',
    about: 'a cycle credits its beam before the panel has said that it shows it',
    file: 'dist/src/control/control-cycle.js',
    from: 'record.calibration = calibration.id;',
    to: 'record.calibration = calibration.id; record.beamId = beamId;',
    red: ['commits-late', 'frames-out-of-order', 'one-of-two-misses-a-commit'],
    also: {
      red: [
        ...['cable-out-until-dark', 'cable-pulled', 'frames-lost-10-percent', 'link-lost-while-paused', 'one-of-two-unplugged'],
        ...['panel-fault', 'panel-hangs', 'panel-refuses-commits', 'panel-restarts'],
        ...['restart-after-latch', 'restart-before-commit', 'restart-between-chunks', 'same-words', ...BY_CARRIER],
      ],
      why: 'cycles are void there, as they may be where time is real, and each of them credits a beam',
    },
  },
  {
    name: 'safe-state',
    about: 'the safe state is commanded to nobody; what is left is the limit of silence',
    file: 'dist/src/control/active-panel.js',
    from: 'return counts ? [this.#active, resting] : [this.#active];',
    to: 'return [];',
    red: ['safe-state-mute', 'safe-state-codeword', 'muted-by-the-operator', 'stopped-by-the-operator', 'link-lost-while-paused'],
    also: {
      red: [
        ...['authenticated', 'beam-by-hand', 'board-turned', 'cable-out-until-dark', 'cable-pulled', 'calibration-drifts'],
        ...['element-dies', 'frames-damaged', 'frames-lost-1-percent', 'frames-lost-10-percent', 'frames-out-of-order'],
        ...['frames-replayed', 'frames-twice', 'panel-busy', 'panel-fault', 'panel-hangs', 'panel-refuses-commits'],
        ...['panel-restarts', 'panel-stalls', 'restart-after-latch', 'restart-before-commit', 'restart-between-chunks'],
        ...['safe-state-hold', 'two-panels', ...BY_CARRIER],
      ],
      why: 'every run ends with the safe state: a panel that is not told is lost there, and they count or exclude that event',
    },
  },
  {
    name: 'calibration-sign',
    about: 'the sign of the measured phases is turned round',
    file: 'dist/calibration/tables/state-table.js',
    from: 'im: Float64Array.from(size, (r, s) => r * Math.sin(phases[s] / DEG)),',
    to: 'im: Float64Array.from(size, (r, s) => -r * Math.sin(phases[s] / DEG)),',
    red: ['calibrated-while-up'],
  },
  {
    name: 'model-weights',
    about: 'the step of the first layer of phase-net is zeroed, its card sealed anew',
    file: 'models/zoo/phase-net.numbers.json',
    from: '"extraction": [ 3.30556083, 2.09447503, 0.0167639572,',
    to: '"extraction": [ 0, 0, 0,',
    sealedBy: 'models/zoo/phase-net.json',
    red: ['same-words'],
  },
  {
    name: 'firmware-table',
    about: 'one entry of the table of phases in the C driver of the ADAR1000 is its neighbour’s',
    file: 'firmware-protocol/reference/chips/adar1000/adar1000.c',
    from: '{0x3f, 0x20}, {0x3f, 0x21}, {0x3f, 0x23}, {0x3f, 0x24}, {0x3f, 0x26}',
    to: '{0x3f, 0x20}, {0x3f, 0x21}, {0x3f, 0x24}, {0x3f, 0x24}, {0x3f, 0x26}',
    red: ['same-words carrier=pty', 'same-words carrier=qemu'],
  },
];
