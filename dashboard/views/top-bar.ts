/** What must be seen from three metres: hardware or simulator, running or not, fresh or not. */
import { counted } from '../../core/errors/counted.ts';
import { byId, element, setText } from '../elements.ts';
import { age, fixed } from '../charts/figures.ts';
import { clockTime, radiationText } from '../live.ts';
import type { Live } from '../live.ts';

export class TopBar {
  readonly #banner = byId('banner');
  readonly #bannerText = byId('banner-text');
  readonly #bannerAge = byId('banner-age');
  readonly #badge = byId('badge');
  readonly #source = element('span', { text: '…' });
  readonly #channels = element('small');
  readonly #radiation = byId('radiation');
  readonly #name = byId('rig-name');
  readonly #size = byId('rig-size');
  readonly #state = byId('state');
  readonly #rate = byId('cycles-per-second');
  readonly #age = byId('age');
  readonly #runFolder = byId('run-folder');

  constructor() {
    this.#badge.replaceChildren(this.#source, this.#channels);
  }

  draw(live: Live): void {
    const { rig, state, latest, connection, trouble } = live;
    const { source } = live;
    const channelsSimulated = source === 'hardware' && rig?.channelSource === 'simulation';
    document.body.dataset.source = source ?? 'unknown';
    document.body.dataset.connection = connection;
    document.body.dataset.fresh = live.fresh ? 'yes' : 'no';
    document.body.dataset.trouble = trouble ?? 'none';
    document.body.dataset.bar = barOf(live, channelsSimulated);
    document.body.dataset.real = source === 'hardware' && !channelsSimulated ? 'yes' : 'no';
    document.body.dataset.shows = live.radiation?.shows ?? 'unknown';
    setText(this.#source, source?.replace('-', ' ').toUpperCase() ?? (connection === 'gone' ? 'NO DATA' : '…'));
    setText(
      this.#channels,
      channelsSimulated ? ', channels simulated' : rig?.channelSource === 'sounding' ? ', channels sounded' : '',
    );
    setText(this.#radiation, radiationText(live));
    this.#drawBanner(live);
    if (rig) {
      const { elements, rfChains, users, snrDb, geometry, connection } = rig;
      const kind = connection === 'sub' ? ', sub-connected' : '';
      setText(this.#name, rig.name);
      setText(
        this.#size,
        `${counted(elements, 'element')} (${geometry.kind.toUpperCase()}${kind}), ${counted(rfChains, 'chain')}, ${counted(users, 'user')}, SNR ${fixed(snrDb, 0)} dB`,
      );
      this.#size.title = this.#size.textContent;
      const recorded = rig.runFolder === '' ? [] : [`Recorded in ${rig.runFolder.split(/[\\/]/).slice(-2).join('/')}`];
      const own = live.page === undefined ? [] : [`page ${live.page}`];
      setText(this.#runFolder, [...recorded, ...own].join(' · '));
      this.#runFolder.title = `The run is recorded in ${rig.runFolder}`;
      document.title = `${TITLES[source ?? 'hardware']}${rig.name} · beamrig`;
    }
    setText(this.#state, stateText(live));
    setText(this.#rate, connection === 'open' && state ? fixed(live.cyclesPerSecond, 1) : '–');
    setText(this.#age, latest ? (live.fresh ? age(live.ageMs()) : `${age(live.valuesAgeMs())} ago`) : '–');
  }

  #drawBanner(live: Live): void {
    const text = bannerText(live);
    this.#banner.hidden = text === undefined;
    if (text === undefined) return;
    setText(this.#bannerText, text);
    this.#banner.title = text;
    // Grows all the time: shown, and not read aloud again and again.
    setText(this.#bannerAge, live.trouble === 'stalled' ? `No cycle for ${age(live.ageMs())}. ` : '');
  }
}

const TITLES = { simulator: 'SIM · ', 'played-panel': 'PLAYED · ', hardware: '' } as const;

/** Colour of the bar: the simulator's amber stays whatever is wrong, elsewhere trouble is red, and what is not real is amber. */
function barOf({ connection, source, trouble }: Live, channelsSimulated: boolean): string {
  if (connection !== 'open' || source === undefined) return 'none';
  if (source === 'simulator') return 'amber';
  if (trouble !== undefined) return 'red';
  return source === 'played-panel' || channelsSimulated ? 'amber' : 'hardware';
}

function stateText({ connection, trouble, state }: Live): string {
  if (connection === 'gone') return 'unknown';
  if (trouble === 'void') return 'beam void';
  if (trouble === 'stalled') return 'no cycle';
  return state ?? '–';
}

function bannerText(live: Live): string | undefined {
  if (live.connection === 'gone') {
    if (live.refusal !== undefined) return `${live.refusal} Asking again…`;
    return live.rig
      ? `Controller gone since ${clockTime(live.goneSince)}, reconnecting…`
      : 'The controller does not answer, trying again…';
  }
  const { trouble, voidSince, lastCycle, latest } = live;
  if (trouble === 'void' && voidSince) {
    return `Beam void since ${clockTime(voidSince)}: ${latest?.failure ?? 'it is not known what the array shows'}`;
  }
  if (trouble === 'stalled' && lastCycle)
    return `None has ended since ${clockTime(lastCycle)}: waiting for the panel or the model.`;
  return standIn(live);
}

/** A rig that has hardware and runs without it. Where none is named, the colour of the bar says enough. */
function standIn({ rig, source }: Live): string | undefined {
  if (rig === undefined || source !== 'simulator') return undefined;
  if (!rig.links.some(({ source }) => source !== 'simulator')) return undefined;
  const since = clockTime(new Date(rig.sourceSinceMs));
  return `The simulator stands in for the hardware since ${since}: ${rig.sourceReason.replace(/[.]$/, '')}. Looking for it.`;
}
