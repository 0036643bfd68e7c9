// Imports point down the floors of docs/architecture.md; two rooms of one floor do not know each other's insides.
const floor = (...rooms) => `^(${rooms.join('|')})/`;
const ground = ['core/signal', 'core/clock', 'core/errors', 'core/files', 'firmware-protocol'];
// What builds and runs the firmware, and is the bench behind it, lies beside its sources, on the simulator's floor.
const firmware = '^firmware-protocol/reference/';
const first = ['calibration', 'models', 'sounding', 'hil-sim'];
const second = ['src/panel', 'src/link', 'src/beamforming', 'src/telemetry', 'src/config'];
const third = ['src/rig', 'src/control', 'src/measuring', 'src/jobs'];
const fourth = ['src/cli', 'src/server', 'src/regression'];
// What other programs import: above all rooms, and imported by none of them.
const exported = ['src/exports'];
// A contract file is the door of its room: the one file another room of the same floor may import.
const doors =
  '^src/(link/link|link/link-kinds|panel/panel|beamforming/beamformer|telemetry/cycle-record|config/rig-file|config/rig-fields)\\.ts$';
const never = (name, from, to, extra = {}, but = {}) => ({
  name,
  severity: 'error',
  from: { path: from, ...but },
  to: { path: to, ...extra },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    never(
      'ground-imports-ground-only',
      floor(...ground),
      floor(...first, ...second, ...third, ...fourth, 'dashboard'),
      {},
      {
        pathNot: firmware,
      },
    ),
    never('firmware-imports-ground-and-simulator', firmware, floor('calibration', 'models', 'sounding', 'src', 'dashboard')),
    never(
      'regression-alone-has-firmware',
      floor('core', 'calibration', 'models', 'sounding', 'hil-sim', 'src', 'dashboard'),
      firmware,
      {},
      {
        pathNot: '^src/regression/',
      },
    ),
    ...['core/signal', 'firmware-protocol'].map((room) =>
      never(
        `${room}-stands-alone`,
        floor(room),
        floor(...ground.filter((r) => r !== room && r !== 'core/errors')),
        {},
        {
          pathNot: firmware,
        },
      ),
    ),
    never('first-imports-down', floor(...first), floor(...second, ...third, ...fourth, 'dashboard')),
    ...first.map((room) => never(`${room}-knows-no-neighbour`, floor(room), floor(...first.filter((r) => r !== room)))),
    never('second-imports-down', floor(...second), floor(...third, ...fourth, 'dashboard')),
    ...second.map((room) =>
      never(`${room}-uses-doors`, floor(room), floor(...second.filter((r) => r !== room)), { pathNot: doors }),
    ),
    never('third-imports-down', floor(...third), floor(...fourth, 'dashboard')),
    never(
      'exports-are-for-others',
      floor('core', 'firmware-protocol', 'models', 'calibration', 'sounding', 'hil-sim', 'src', 'dashboard'),
      floor(...exported),
      {},
      { pathNot: '^src/exports/' },
    ),
    never('source-imports-no-page', floor('src'), floor('dashboard')),
    // And how to count in words, as all others do.
    never('page-knows-only-the-socket-contract', '^dashboard/', floor(...ground, ...first, 'src'), {
      pathNot: '^(src/server/socket-contract|core/errors/counted)\\.ts$',
    }),
    {
      name: 'tests-are-imported-by-nobody',
      severity: 'error',
      from: { pathNot: '\\.test\\.ts$|^test/|^bench/' },
      to: { path: '\\.test\\.ts$|^test/|^bench/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    exclude: { path: '\\.test\\.ts$|^firmware-protocol/(c/test/|reference/(test/|scenario\\.ts$))' },
  },
};
