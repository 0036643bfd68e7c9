/** How this command was called, for hints of what to type next: in a clone there is no `beamrig` on the path, and `npx beamrig` is what works. */
export const commandName = (): string => (process.env.npm_command === 'exec' ? 'npx beamrig' : 'beamrig');
