/** The block of the rig file that names an InfluxDB server. */
import * as z from 'zod';

export const influxSchema = z
  .strictObject({
    host: z
      .string()
      .max(255)
      .regex(/^[^\s/@?#]+$/)
      .default('127.0.0.1')
      .meta({
        allowed: 'a host name or address alone, such as 127.0.0.1, without http:// and without user or password',
        unshown: true,
      })
      .describe('Host of an InfluxDB 1.x server, or of one of version 2 that maps a bucket to the database.'),
    port: z.int().min(1).max(65_535).default(8086).describe('Its HTTP port.'),
    tls: z.boolean().default(false).meta({ allowed: 'true or false' }).describe('Whether it speaks https.'),
    database: z
      .string()
      .min(1)
      .max(200)
      .default('beamrig')
      .describe('Database; created when it is missing (InfluxDB 2: map a bucket to this name).'),
    username: z.string().min(1).max(200).optional().describe('User, where the server asks for one.'),
    passwordEnv: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
      .optional()
      .meta({ allowed: 'the name of an environment variable', unshown: true })
      .describe(
        'Name of the environment variable that holds the password: rig files are copied into run folders, passwords are not.',
      ),
    tokenEnv: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
      .optional()
      .meta({ allowed: 'the name of an environment variable', unshown: true })
      .describe('Name of the environment variable that holds a token of InfluxDB 2, instead of user and password.'),
  })
  .describe('An InfluxDB server that gets the same points as the run folder. Leave it out to keep the run folder only.');
