/**
 * `import { openRig } from 'beamrig/rig'`: a rig that runs in a program of one's own, on its hardware or on the simulator; no page, no records.
 *
 *   const rig = await openRig('rig.yaml', { cycles: 100, onCycle: ({ measuredSnrDb }) => console.log(measuredSnrDb) });
 *   const { cycles, voidCycles, unsafe } = await rig.run();
 */
export { BeamrigError, isBeamrigError, type ErrorCode } from '../../core/errors/beamrig-error.ts';
export { readRigFile, type RigFile, type RigInput } from '../config/rig-file.ts';
export type { RunOutcome } from '../control/control-loop.ts';
export type { Controller, ControlResult, CycleView, HandWish, RigDescription } from '../control/controller.ts';
export { openRig, type OpenRig, type OpenRigOptions } from '../rig/from-code.ts';
export type { CycleRecord, RigEvent, Source } from '../telemetry/cycle-record.ts';
