/** The sounding of a rig file, and what a rig needs for it. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Random } from '../../core/signal/random.ts';
import { soundingOf } from '../config/channel-schema.ts';
import type { RigFile } from '../config/rig-file.ts';
import type { CycleSetting } from '../control/control-cycle.ts';
import type { RigPanel } from '../control/rig-panel.ts';
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

/** @throws {BeamrigError} 'panel' where nobody reports pilots */
export function requirePilots(rig: RigFile, { panel }: RigPanel): void {
  if (panel.capabilities === undefined || panel.capabilities.features.includes('pilot-report')) return;
  throw new BeamrigError(
    'panel',
    `${panel.name} reports no pilots (feature pilot-report), and '${rig.name}' sounds its channels`,
    {
      wayOut:
        'Attach a board with receivers that reports them; or aim without a channel: beamrig steer, beamrig scan, or model: codebook with codebook: hierarchical.',
    },
  );
}
