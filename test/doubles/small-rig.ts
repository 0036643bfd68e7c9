/** The shortest rig file, for tests that change it. */
export const SMALL_RIG = `name: bench
array:
  geometry: { kind: ula, elements: 8 }
  rfChains: 2
  phaseBits: 4
users: { count: 2 }
beamformer: { model: aligned }
`;
