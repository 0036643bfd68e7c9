/** What a run begins on: the hardware that the rig file names, or the simulator, and what a person should know of that. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { RigFile } from '../config/rig-file.ts';
import type { RigPanel } from '../control/rig-panel.ts';
import { discoverHardware } from '../link/discover.ts';
import type { ChannelOrigin, RigEvent, Source } from '../telemetry/cycle-record.ts';
import { linkText, problemMessage } from './hardware.ts';
import type { Hardware, LinkProblem } from './hardware.ts';
import { begun } from './simulated-panel.ts';

/** What a run begins with. */
export interface Beginning {
  first: RigPanel;
  other: RigPanel | undefined;
  /** Why it is the simulator; empty on hardware. */
  reason: string;
  lookedFor: string[];
  events: Omit<RigEvent, 'timeNs'>[];
}

/** Hardware or simulator: what is there, and what the policy makes of it. */
export async function beginning(
  rig: RigFile,
  hardware: Hardware | undefined,
  standIn: () => RigPanel,
  origin: ChannelOrigin,
): Promise<Beginning> {
  const search = discoverHardware(rig.links.map(linkText));
  const { lookedFor } = search;
  if (hardware === undefined) {
    const reason =
      rig.links.length === 0 ? search.reason : 'this run keeps simulated time, which hardware does not, so none was looked for';
    if (rig.fallback === 'never') throw noHardware(reason, []);
    return { first: await begun(standIn()), other: undefined, reason, lookedFor, events: [fallbackEvent(reason)] };
  }
  const problems = await hardware.reach();
  const faulty = problems.filter(({ fault }) => fault !== undefined);
  if (faulty.length > 0) throw unusable(faulty);
  if (problems.length > 0) {
    const reason = problems.map((problem) => problemMessage(problem).replace(/\.$/, '')).join('; ');
    if (rig.fallback === 'never') throw noHardware(reason, problems);
    const found = [...lookedFor, ...problems.map((problem) => `${problem.link}: not usable now: ${problemMessage(problem)}`)];
    return { first: await begun(standIn()), other: hardware, reason, lookedFor: found, events: [fallbackEvent(reason)] };
  }
  hardware.connected = true;
  const found = hardware.links().map(({ name, source, panel, firmware }) => {
    return `${name}: ${source === 'played-panel' ? 'played panel' : 'panel'} ${panel}, firmware ${firmware}`;
  });
  return {
    first: hardware,
    other: rig.fallback === 'any-time' ? standIn() : undefined,
    reason: '',
    lookedFor: [...lookedFor, ...found],
    events: hardwareEvents(hardware, origin, rig.users.count),
  };
}

/** What a run on hardware should be known for. */
function hardwareEvents(hardware: Hardware, origin: ChannelOrigin, users: number): Omit<RigEvent, 'timeNs'>[] {
  const events: Omit<RigEvent, 'timeNs'>[] = [];
  if (origin === 'simulation') events.push(channelsSimulated(hardware.source, users));
  const phasesOnly = hardware.phasesOnly();
  if (phasesOnly.length > 0) {
    events.push({
      level: 'warning',
      code: 'phases-only',
      message: `${phasesOnly.join(', ')}: the panel takes phases and no digital precoder.`,
      action: 'Its streams are weighted elsewhere, or not at all: measured SNR may differ from predicted.',
    });
  }
  return events;
}

/** In the air it means that the beams are aimed at nobody; a played panel stands in the very scene that they are computed for. */
const channelsSimulated = (source: Source, users: number): Omit<RigEvent, 'timeNs'> =>
  source === 'hardware'
    ? {
        level: 'warning',
        code: 'channels-simulated',
        message: `Beams are computed for the rig file's ${users} simulated users, and radiated by hardware: users in the air are elsewhere.`,
        action:
          'Every record says so. Let the rig hear its users (channel: { source: sounding }), or give measured channels (beamrig run --channels); or aim without any: beamrig steer, beamrig scan, or model: codebook with codebook: hierarchical.',
      }
    : {
        level: 'info',
        code: 'channels-simulated',
        message: `Channels are those of the rig file's ${users} simulated users, and the played panels show the same scene.`,
        action:
          'For an array in the air give measured channels (beamrig run --channels), or have them sounded: channel: { source: sounding }.',
      };

function noHardware(reason: string, problems: readonly LinkProblem[]): BeamrigError {
  const toAllow = "set 'fallback: at-start' in the rig file to run on the simulator";
  if (problems.length === 0) {
    return new BeamrigError('no-hardware', `No panel was found: ${reason}.`, { wayOut: `Attach a panel, or ${toAllow}.` });
  }
  return new BeamrigError('no-hardware', `The rig's panels are not all there:\n${linesOf(problems)}`, {
    wayOut: `Repair what is named, or ${toAllow}.`,
  });
}

/** What is there and wrong is no reason for a simulator: it would hide that somebody has to repair it. */
const unusable = (problems: readonly LinkProblem[]): BeamrigError =>
  problems.length === 1
    ? new BeamrigError(problems[0].fault ?? 'link', problemMessage(problems[0]), { wayOut: problems[0].wayOut })
    : new BeamrigError(problems[0].fault ?? 'link', `The rig's panels cannot be used:\n${linesOf(problems)}`, {
        wayOut: 'Repair what is named.',
      });

const linesOf = (problems: readonly LinkProblem[]): string =>
  problems.map(({ link, detail, wayOut }) => `  ${link}: ${detail.replace(/[.]$/, '')}. ${wayOut}`).join('\n');

const fallbackEvent = (reason: string): Omit<RigEvent, 'timeNs'> => ({
  level: 'warning',
  code: 'fallback',
  message: `No hardware: ${reason}.`,
  action: 'The rig runs on the simulator; every record says so.',
});
