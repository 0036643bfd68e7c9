/** The flag of each kind of link for `beamrig panel`, a line each; in a file of its own because `--help` loads nothing else. */
export const LINK_FLAGS = {
  serial: { usage: '[link=]path[@baud]', what: 'the panel’s end of a serial line', example: 'PATH for its end of a serial line' },
  mqtt: { usage: '[link=]url', what: 'the broker to attach to instead of the rig file’s', example: 'mqtt://host:port' },
  tcp: {
    usage: '[link=][host:]port',
    what: 'where the panel listens for its host over TCP',
    example: '[HOST:]PORT to listen on',
  },
} as const;

export type LinkKindName = keyof typeof LINK_FLAGS;
export const LINK_KIND_NAMES = Object.keys(LINK_FLAGS) as LinkKindName[];
