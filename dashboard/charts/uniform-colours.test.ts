import { expect, it } from 'vitest';
import { uniformColour } from './uniform-colours.ts';

it('rises in brightness at every step, and stays at its ends beyond them', () => {
  const brightness = Array.from({ length: 33 }, (_, i) => {
    const [red, green, blue] = uniformColour(i / 32);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  });
  for (let i = 1; i < brightness.length; i++) expect(brightness[i]).toBeGreaterThan(brightness[i - 1]);
  expect(uniformColour(-3)).toEqual(uniformColour(0));
  expect(uniformColour(7)).toEqual(uniformColour(1));
});
