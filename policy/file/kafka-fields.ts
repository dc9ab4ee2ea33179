/** `kafka:` of ledger.yaml: how a cluster is reached. */
import { z } from 'zod';
import { duration, path, secret } from './fields.js';

const SCRAM_OR_PLAIN = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
const MECHANISM_EXPECTED = 'expected plain, scram-sha-256, scram-sha-512 or oauthbearer';
const COMMAND_EXPECTED = 'expected a program and its arguments: [program, argument, …]';

const password = z.strictObject({
  mechanism: z.enum(SCRAM_OR_PLAIN, { error: MECHANISM_EXPECTED }),
  username: secret.describe('env:NAME or file:PATH'),
  password: secret.describe('env:NAME or file:PATH'),
});

const bearer = z
  .strictObject({
    mechanism: z.literal('oauthbearer'),
    token: secret.optional().describe('env:NAME or file:PATH'),
    command: z
      .array(z.string({ error: COMMAND_EXPECTED }).max(4096, COMMAND_EXPECTED), {
        error: COMMAND_EXPECTED,
      })
      .min(1, COMMAND_EXPECTED)
      .max(100, COMMAND_EXPECTED)
      .refine(([program]) => program !== '', COMMAND_EXPECTED)
      .optional()
      .describe('Run at each authentication, without a shell; its output is the token'),
  })
  .refine(
    ({ token, command }) => (token === undefined) !== (command === undefined),
    'expected either token or command',
  );

const sasl = z.discriminatedUnion('mechanism', [password, bearer], { error: MECHANISM_EXPECTED });

const certificates = z.strictObject({
  ca: path.optional().describe('PEM file of the certificate authorities to trust'),
  cert: path.optional().describe("PEM file of the client's certificate"),
  key: path.optional().describe("PEM file of the client's private key"),
});

export const kafka = z.strictObject({
  tls: z
    .union([z.boolean(), certificates], { error: 'expected true, or { ca, cert, key }' })
    .optional()
    .describe("true: TLS with the system's certificate authorities"),
  sasl: sasl.optional(),
  timeout: duration.optional().describe('After this a request counts as unanswered'),
});
