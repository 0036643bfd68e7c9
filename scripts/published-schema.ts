/** A schema of zod as it is published for other programs: JSON Schema (draft 2020-12), with what it is of at its head. */
import * as z from 'zod';

export function publishedSchema(of: z.ZodType, title: string, description: string): string {
  const { $schema, ...schema } = z.toJSONSchema(of);
  return `${JSON.stringify({ $schema, title, description, ...schema }, null, 2)}\n`;
}
