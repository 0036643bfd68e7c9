/** `1 bit`, `2 bits`: for messages, so that none speaks of "1 bits". @param noun in the singular */
export const counted = (count: number | string, noun: string): string =>
  `${count} ${Number(count) === 1 ? noun : pluralOf(noun)}`;

const pluralOf = (noun: string): string => (/[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`);
