/** Principals by role, and what each role may do. policy/plan/roles.ts turns roles into rules. */
import { z } from 'zod';
import { wholeNumber } from './fields.js';

export const ROLES = ['publisher', 'sealer', 'verifier', 'inspector', 'replayer', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** One principal in one role. */
export interface Grant {
  /** Kafka's form, `User:payments`. */
  readonly principal: string;
  /** Audit topics; null: all that are declared. */
  readonly topics: readonly string[] | null;
  /** Address of the client; `*`: any. */
  readonly host: string;
  /** Most that the user may produce; null: not limited here. */
  readonly bytesPerSecond: number | null;
}

const PRINCIPAL_EXPECTED = 'expected a principal such as User:payments';
const principal = z
  .string({ error: PRINCIPAL_EXPECTED })
  .max(512, PRINCIPAL_EXPECTED)
  .regex(/^[A-Za-z][A-Za-z0-9_-]*:[^\s].*$/, PRINCIPAL_EXPECTED)
  .describe('A Kafka principal: User:NAME');

const HOST_EXPECTED = "expected a client's IP address, or '*'";

const grant = z.strictObject({
  principal,
  topics: z
    .array(z.string({ error: 'expected the name of a declared topic' }), {
      error: 'expected a list of declared topics',
    })
    .min(1, 'expected at least one topic')
    .max(1_000, 'expected at most 1000 topics')
    .optional()
    .describe('Only these audit topics; left out: all of them'),
  host: z
    .string({ error: HOST_EXPECTED })
    .regex(/^(\*|[0-9A-Fa-f.:]{2,45})$/, HOST_EXPECTED)
    .default('*')
    .describe('Only from this address; *: from anywhere'),
  bytesPerSecond: wholeNumber(1, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('Quota: the most that this user may produce'),
});

const entry = z
  .union([principal, grant], {
    error: 'expected a principal such as User:payments, or { principal, topics, host, … }',
  })
  .transform((given): Grant => {
    const whole = typeof given === 'string' ? { principal: given, host: '*' } : given;
    const { topics = null, bytesPerSecond = null } = typeof given === 'string' ? {} : given;
    return { principal: whole.principal, topics, host: whole.host, bytesPerSecond };
  });

const list = z
  .array(entry, { error: 'expected a list of principals' })
  .max(1_000, 'expected at most 1000 principals')
  .default([]);

export const principals = z.strictObject({
  publisher: list.describe('Write events'),
  sealer: list.describe('Read events and write checkpoints'),
  verifier: list.describe('Read events and checkpoints'),
  inspector: list.describe(
    'Read all that `plan`, `doctor` and `verify` look at, and change nothing',
  ),
  replayer: list.describe('Read events and checkpoints, to replay them'),
  admin: list.describe('Create and configure the topics, by `sealstream apply`'),
});
