/**
 * `import { realiseBeam } from 'beamrig/signal'`: the array mathematics that a rig runs on, as pure functions. The signal is y = H·A·D·s + n (docs/glossary.md):
 * H is K×N with rows h_kᴴ, A is N×M, D is M×K, ‖A·D‖²_F = P, noise of power σ² at each user. Matrices are row-major in float64; phases are radians,
 * powers and SINR linear, rates bit/s/Hz. Shapes that do not fit throw BeamrigError 'shape', values out of their range 'argument'.
 *
 *   salehValenzuela ─► Problem ─► phases and D of your own ─► realiseBeam (words by a quantiser, D solved again) ─► SINR, rate, words for a panel
 */
export { BeamrigError, isBeamrigError, type ErrorCode } from '../../core/errors/beamrig-error.ts';
export type { Beam, Objective, Problem, Quantiser, RealisedBeam } from '../../core/signal/beam-contract.ts';
export { fastFp, type FastFpOptions } from '../../core/signal/cells/fast-fp.ts';
export { drawMultiCellChannel, MULTI_CELL_SETTINGS, type MultiCellDraw } from '../../core/signal/cells/multi-cell-channel.ts';
export { equalUsers, type CellPrecoders, type MultiCell } from '../../core/signal/cells/multi-cell.ts';
export { multiCellWmmse, type MultiCellWmmseOptions } from '../../core/signal/cells/multi-cell-wmmse.ts';
export { userRates, weightedSumRate } from '../../core/signal/cells/receivers.ts';
export { eigenRegularisedZeroForcing, eigenZeroForcing, maximumRatio, randomStart } from '../../core/signal/cells/starts.ts';
export { salehValenzuela, type ChannelScale, type SalehValenzuelaOptions } from '../../core/signal/channel.ts';
export { conjTranspose, fromParts, fromPhases, identity, matmul, zeros, type CMatrix } from '../../core/signal/complex-matrix.ts';
export { connectionMask, elementCount, steeringVector, type ArrayGeometry } from '../../core/signal/geometry.ts';
export { OBJECTIVES } from '../../core/signal/objectives/objectives.ts';
export { digitalForAnalog, regularisedZeroForcing, wmmse, zeroForcing, type WmmseOptions } from '../../core/signal/precoders.ts';
export { quantisePhases, wordsToPhases, type ElementStates } from '../../core/signal/quantise.ts';
export type { QuantiserChoice, QuantiserName } from '../../core/signal/quantiser-names.ts';
export { createQuantiser } from '../../core/signal/quantisers.ts';
export { createRandom, type Random } from '../../core/signal/random.ts';
export { fromDb, sinr, sumRate, toDb } from '../../core/signal/rate.ts';
export { realiseBeam, type RealiseOptions } from '../../core/signal/realise-beam.ts';
export { steeringPhases, type Direction } from '../../core/signal/steering.ts';
