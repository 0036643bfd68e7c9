/** The sounding of a rig file, and what a rig needs for it. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Random } from '../../core/signal/random.ts';
import type { Feature } from '../../firmware-protocol/messages.ts';
import { soundingOf } from '../config/channel-schema.ts';
import type { RigFile } from '../config/rig-file.ts';
import type { CycleSetting } from '../control/control-cycle.ts';
import type { RigPanel } from '../control/rig-panel.ts';
import { hearsPower } from '../control/sounding/sounding-plans.ts';
import { createChannelSounding, type ChannelSounding } from '../control/sounding/channel-sounding.ts';

/**
 * @param recorded a file of channels was given
 * @returns undefined where the rig is given its channels
 * @throws {BeamrigError} 'argument' where it is given them and told to sound them
 */
export function rigSounding(
  rig: RigFile,
  setting: Omit<CycleSetting, 'channels'>,
  recorded: { file: string } | undefined,
  random: Random,
): ChannelSounding | undefined {
  const choice = soundingOf(rig);
  if (choice === undefined) return undefined;
  if (recorded !== undefined) {
    throw new BeamrigError(
      'argument',
      `--channels ${recorded.file} gives the channels, and channel.source of '${rig.name}' says that they are sounded`,
      { wayOut: 'Leave out --channels, or set channel: { source: simulation } in the rig file.' },
    );
  }
  return createChannelSounding({ setting, geometry: rig.array.geometry, users: rig.users.count, random, ...choice });
}

/** @throws {BeamrigError} 'panel' where nobody reports what the estimator takes */
export function requireReports(rig: RigFile, { panel }: RigPanel): void {
  const choice = soundingOf(rig);
  if (choice === undefined || panel.capabilities === undefined) return;
  const { features } = panel.capabilities;
  const missing = (needed: readonly Feature[]): Feature | undefined => needed.find((feature) => !features.includes(feature));
  const noPowers = missing(BY_POWER);
  const byPower = hearsPower(choice.estimator);
  const lacks = missing(byPower ? BY_POWER : BY_PILOTS);
  if (lacks === undefined) return;
  const what = byPower
    ? `${panel.name} lacks the feature ${lacks}, by which the estimator ${choice.estimator} of '${rig.name}' hears powers`
    : `${panel.name} reports no pilots (feature pilot-report), and '${rig.name}' sounds its channels`;
  const withoutChannel = 'aim without a channel: beamrig steer, beamrig scan, or model: codebook with codebook: hierarchical.';
  const other =
    byPower && missing(BY_PILOTS) === undefined
      ? 'Leave out channel.estimator: the panel reports pilots, which tell more'
      : !byPower && noPowers === undefined
        ? 'Set channel.estimator to best-beam or phase-retrieval, which take the users’ SNR that it does report'
        : `Attach a board with receivers that reports ${byPower ? 'SNR and takes weights' : 'them'}`;
  throw new BeamrigError('panel', what, { wayOut: `${other}; or ${withoutChannel}` });
}

const BY_PILOTS: readonly Feature[] = ['pilot-report'];
/** One stream is driven at a time, and its SNR reported. */
const BY_POWER: readonly Feature[] = ['snr-report', 'digital-weights'];
