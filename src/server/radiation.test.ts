import { describe, expect, it } from 'vitest';
import { StandInRig } from '../../test/browser/stand-in-rig.ts';
import type { ControllerState, RigDescription } from '../control/controller.ts';
import { BeampatternView } from './beampattern-view.ts';
import { codewordView, radiationNow } from './radiation.ts';

const rig = (change: Partial<RigDescription> = {}): RigDescription => ({ ...new StandInRig().describe(), ...change });
const safe = (state: 'mute' | 'hold' | 'codeword', confirmed: boolean): Partial<RigDescription> => ({
  safe: { state, azimuthDeg: state === 'codeword' ? 20 : null, confirmed },
});
const ok = { outcome: 'ok' } as const;
const isVoid = { outcome: 'void' } as const;

describe('what the array shows', () => {
  it('is the beam of the newest cycle, and nobody knows after a void one', () => {
    expect(radiationNow('running', rig(), undefined, false).shows).toBe('nothing');
    expect(radiationNow('running', rig(), ok, true)).toMatchObject({ shows: 'beam', confirmed: true });
    expect(radiationNow('running', rig(), isVoid, true).shows).toBe('unknown');
  });

  it.each<[ControllerState, 'mute' | 'hold' | 'codeword', string]>([
    ['paused', 'mute', 'dark'],
    ['faulted', 'mute', 'dark'],
    ['paused', 'hold', 'held'],
    ['stopping', 'hold', 'held'],
    ['paused', 'codeword', 'codeword'],
    ['faulted', 'codeword', 'codeword'],
    ['stopped', 'codeword', 'codeword'],
  ])('is, %s, the safe state %s: %s, and whether that is confirmed', (state, kind, shows) => {
    const azimuthDeg = kind === 'codeword' ? 20 : null;
    expect(radiationNow(state, rig(safe(kind, true)), ok, true)).toEqual({ shows, azimuthDeg, confirmed: true, byItself: false });
    expect(radiationNow(state, rig(safe(kind, false)), ok, true)).toMatchObject({ shows, confirmed: false });
  });

  it('is nothing where the beam to hold was never sent', () => {
    expect(radiationNow('paused', rig(safe('hold', true)), undefined, false).shows).toBe('nothing');
  });

  it('is the safe state while the rig runs, when it was commanded there and no beam came since', () => {
    expect(radiationNow('running', rig(safe('codeword', true)), isVoid, true).shows).toBe('codeword');
  });

  it('is the safe state that all panels took by themselves, and unknown when one of them did not', () => {
    const [link] = rig().links;
    const links = (...states: ('made safe' | 'lost')[]) => states.map((state) => ({ ...link, state }));
    expect(radiationNow('running', rig({ links: links('made safe', 'made safe') }), isVoid, true)).toMatchObject({
      shows: 'dark',
      byItself: true,
    });
    expect(radiationNow('running', rig({ links: links('made safe', 'lost') }), isVoid, true).shows).toBe('unknown');
  });

  it('is, as a codeword, the beam that points where the rig file says, at the whole power', () => {
    const standIn = new StandInRig();
    standIn.safe = { state: 'codeword', azimuthDeg: 20 };
    const beam = codewordView(standIn.describe(), standIn.safeBeam())!;
    const [cut] = new BeampatternView().at(0, standIn.describe(), () => beam)!.cuts;
    const peak = cut.commandedDb.indexOf(Math.max(...cut.commandedDb));
    expect(cut.anglesDeg[peak]).toBeCloseTo(20, 0);
    // 64 elements over one, of 10 dB of power.
    expect(cut.commandedDb[peak]).toBeCloseTo(10 + 10 * Math.log10(64), 0);
  });
});
