/** What pages and scripts are told of a rig, and what its manifest keeps. */
import type { Clock } from '../../core/clock/clock.ts';
import { chainRuns } from '../../core/signal/geometry.ts';
import type { Objective } from '../../core/signal/beam-contract.ts';
import { QUANTISER_MEANINGS, type QuantiserChoice } from '../../core/signal/quantiser-names.ts';
import type { Beamformer } from '../beamforming/beamformer.ts';
import { listFittingBeamformers } from '../beamforming/open-beamformer.ts';
import type { BeamformerNeeds } from '../beamforming/onnx-beamformer.ts';
import { beamNames } from '../config/beam-file.ts';
import type { RigFile } from '../config/rig-file.ts';
import type { ArrayCalibration } from '../control/array-calibration.ts';
import type { ChannelSource } from '../control/channel-source.ts';
import type { RigDescription } from '../control/controller.ts';
import { modelUsed, type ModelUsed } from '../telemetry/cycle-record.ts';
import type { RigIdentity } from '../telemetry/run-manifest.ts';
import type { Beginning } from './beginning.ts';

/** What of a rig is known when it begins. */
export interface RigAtHand {
  rig: RigFile;
  clock: Clock;
  /** 0 = as fast as it goes. */
  rateHz: number;
  runFolder: string | undefined;
  begin: Pick<Beginning, 'first' | 'reason'>;
  channels: Pick<ChannelSource, 'origin' | 'about'>;
  beamformer: Beamformer;
  needs: BeamformerNeeds;
  quantiser: QuantiserChoice;
  objective: Objective;
  /** What its phase states are known by. */
  calibration: ArrayCalibration;
}

const CHANNEL_TEXT = {
  simulation: 'of the simulated users',
  file: 'of a file',
  sounding: 'sounded through the panels',
} as const;

export function describeRig({
  rig,
  clock,
  rateHz,
  runFolder,
  begin,
  channels,
  calibration,
  ...chosen
}: RigAtHand): RigDescription {
  const { first, reason } = begin;
  const { beamformer, needs, objective } = chosen;
  const { quantiser, sweeps } = chosen.quantiser;
  const { geometry, phaseBits, connection } = rig.array;
  const { elements, rfChains, users } = needs;
  const fitting = listFittingBeamformers(needs);
  const own = { id: beamformer.id, title: beamformer.title, kind: beamformer.kind };
  return {
    name: rig.name,
    source: first.source,
    channelSource: channels.origin,
    channels: channels.about?.() ?? CHANNEL_TEXT[channels.origin],
    sourceReason: reason,
    sourceSinceMs: Number(clock.epochNs() / 1_000_000n),
    elements,
    rfChains,
    users,
    phaseBits,
    modelId: beamformer.id,
    engine: beamformer.engine ?? null,
    steps: beamformer.steps ?? null,
    quantiser: {
      name: quantiser,
      meaning: QUANTISER_MEANINGS[quantiser],
      sweeps: quantiser === 'array' ? sweeps : null,
    },
    objective: objective.name,
    models: fitting.some(({ id }) => id === own.id)
      ? fitting.map((other) => (other.id === own.id ? own : other))
      : [own, ...fitting],
    byHand: beamformer.kind === 'by-hand' ? beamformer.title : null,
    byHandMadeBy: null,
    beams: beamNames(rig.beamFolder),
    phaseBitsOptions: Array.from({ length: phaseBits }, (_, index) => index + 1),
    snrDb: rig.snrDb,
    connection,
    chainRuns: chainRuns(connection, elements, rfChains),
    slow: null,
    loopRateHz: rateHz,
    geometry:
      geometry.kind === 'ula'
        ? { kind: 'ula', spacingWavelengths: geometry.spacingWavelengths }
        : { kind: 'upa', spacingWavelengths: geometry.spacingWavelengths, rows: geometry.rows, columns: geometry.columns },
    calibration: calibration.about,
    calibrated: calibration.boards,
    calibrationMethods: [],
    flaws: [],
    tableOffDeg: null,
    links: first.links(),
    runFolder: runFolder ?? '',
    safe: { state: rig.safeState, azimuthDeg: safeAzimuth(rig), confirmed: false },
  };
}

const safeAzimuth = ({ safeState, safeCodeword }: RigFile): number | null =>
  safeState === 'codeword' ? (safeCodeword?.azimuthDeg ?? null) : null;

export function identityOf(description: RigDescription, beamformer: Beamformer & Partial<ModelUsed>): RigIdentity {
  return {
    source: description.source,
    channelSource: description.channelSource,
    sourceReason: description.sourceReason,
    model: modelUsed(beamformer),
    panels: description.links.map(({ name, kind: linkKind, panel, firmware }) => ({
      link: name,
      kind: linkKind,
      panel,
      firmware,
    })),
    calibration: description.calibration,
  };
}
