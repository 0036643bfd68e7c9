/** Links over a broker: which panel, by its topics. */
import { isBeamrigError } from '../../../core/errors/beamrig-error.ts';
import type { LinkFinding, LinkKind, LinkOf, Place } from '../link-kind.ts';
import { brokerLogin } from './broker-login.ts';
import { FILES, mqttProblems, mqttSchema, readMqttBlock, type MqttBlock } from './mqtt-block.ts';
import { shownUrl, type MqttOptions } from './mqtt-settings.ts';
import { wrongInPanel } from './mqtt-topics.ts';

/** Retained presence comes within a round trip of the broker. */
const PRESENCE_MS = 500;
const DEFAULT_TOPIC_PREFIX = 'beamrig';

export const mqttKind: LinkKind<MqttBlock, MqttOptions> = {
  schema: mqttSchema,
  paths: FILES,
  needsPanel: 'is part of its topics',
  wrongPanel(panel) {
    const wrong = wrongInPanel(panel);
    return wrong && `has ${wrong}, and is part of topics; allowed: no / + # and no control character`;
  },
  problems: mqttProblems,
  read: readMqttBlock,

  describe: (link) => place(link).where,
  place,
  strangersAction:
    'They are thrown away and counted. Somebody else writes the topics of this panel: give the broker passwords and an access list (examples/mqtt).',

  async createLink(link, { clock, random, panelKey }) {
    const login = brokerLogin(link);
    const { createMqttLink } = await import('./mqtt.ts');
    const options = { ...login, name: link.name, panel: panelOf(link), clock, random };
    return createMqttLink({ ...options, ...(panelKey !== undefined && { panelKey }) });
  },

  readFlag(url, own) {
    const { topicPrefix = DEFAULT_TOPIC_PREFIX, ...more }: Partial<MqttBlock> = own === undefined ? {} : brokerLogin(own);
    return { ...more, url, topicPrefix, flag: '--mqtt' };
  },
  // The address of a broker may hold a password where it should not.
  shown: (text) => text.replace(/(?<==|^)[a-z]+:.*$/is, shownUrl),
  endOf: brokerLogin,
  async createPanelEnd(end, { panel, panelKey }) {
    const { createMqttPanelEnd } = await import('./mqtt-panel-end.ts');
    return createMqttPanelEnd({ ...end, panel, ...(panelKey !== undefined && { panelKey }) });
  },

  elsewhere: async (links, { hello }) => (hello ? (await strangers(links)).map((found) => ({ place: found })) : []),
  check: checkBrokers,
};

/** The rig file says it of every link of this kind. */
const panelOf = ({ panel = '' }: LinkOf<MqttBlock>): string => panel;

function place(link: LinkOf<MqttBlock>): Place {
  return { where: `${link.block.url} ${link.block.topicPrefix}/panels/${panelOf(link)}` };
}

/** Panels that are online at a broker of the rig file under its prefix, and in no link of it: perhaps a serial number was mistyped. */
async function strangers(links: readonly LinkOf<MqttBlock>[]): Promise<Place[]> {
  const brokers = new Map(links.map((link) => [`${link.block.url} ${link.block.topicPrefix}/panels`, link]));
  const found = [...brokers].map(async ([topics, link]): Promise<Place[]> => {
    const online = await panelsOn(link);
    return online
      .filter(({ panel, state }) => state === 'online' && !links.some((known) => known.panel === panel))
      .map(({ panel }) => ({ where: `${topics}/${panel}`, why: 'online, not asked: the rig file has no link to it' }));
  });
  return (await Promise.all(found)).flat();
}

async function panelsOn(link: LinkOf<MqttBlock>): Promise<{ panel: string; state: string }[]> {
  try {
    const { listMqttPanels } = await import('./mqtt-panels.ts');
    return await listMqttPanels(brokerLogin(link), PRESENCE_MS);
  } catch (error) {
    if (isBeamrigError(error)) return []; // a broker that cannot be reached is told of by the links on it
    throw error;
  }
}

/** Each broker once. */
async function checkBrokers(links: readonly LinkOf<MqttBlock>[]): Promise<LinkFinding[]> {
  const { HELD_BACK_MS, measureBrokerDelay } = await import('./mqtt-delay.ts');
  const first = new Map(links.map((link) => [link.block.url, link]));
  const found = [...first].map(async ([url, link]): Promise<LinkFinding[]> => {
    try {
      const delay = await measureBrokerDelay({ ...brokerLogin(link), panel: panelOf(link) });
      if (delay === undefined) return [];
      const { roundTripMs, apartMs } = delay;
      const what = `broker ${url}`;
      const passes = `passes a message on in ${roundTripMs.toFixed(1)} ms`;
      if (apartMs < HELD_BACK_MS) return [{ what, state: 'good', detail: passes }];
      return [
        {
          what,
          state: 'missing',
          detail: `${passes}, and holds the next one back for ${Math.round(apartMs)} ms: every cycle takes that long and more`,
          todo: 'Have it send small packets at once: set_tcp_nodelay true in mosquitto.conf (examples/mqtt).',
        },
      ];
    } catch (error) {
      if (isBeamrigError(error)) return [];
      throw error;
    }
  });
  return (await Promise.all(found)).flat();
}
