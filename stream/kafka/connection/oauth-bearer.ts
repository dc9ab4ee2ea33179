/**
 * SASL OAUTHBEARER (RFC 7628). kafkajs's own takes a broker's refusal, which comes as an answer to
 * the first message, for success; this one goes through with the exchange and reports it.
 */
import { type ExecFileException, execFile } from 'node:child_process';
import type { AuthenticationProviderArgs, Mechanism } from 'kafkajs';
import { SealstreamError } from '../../../ledger/error.js';
import type { BearerToken } from '../../stream.js';

const LENGTH_BYTES = 4;
const LONGEST_TOKEN = 16 * 1024;
/** RFC 6750's token, its padding anywhere: an unsigned one ends in a dot. Nothing else could stand
 * between the separators of the exchange. */
const TOKEN = /^[A-Za-z0-9._~+/=-]+$/;
const SEPARATOR = '\x01';

/** As kafkajs takes a mechanism. `signal` ends a command that still runs. */
export function oauthBearer(token: BearerToken, timeoutMs: number, signal: AbortSignal): Mechanism {
  return {
    mechanism: 'oauthbearer',
    authenticationProvider: (exchange) => ({
      authenticate: async () => {
        try {
          await authenticate(exchange, await obtain(token, timeoutMs, signal));
        } catch (error) {
          // kafkajs tries again whatever does not say that it is in vain.
          if (!(error instanceof SealstreamError) || error.class !== 'fatal') throw error;
          throw Object.assign(error, { retriable: false });
        }
      },
    }),
  };
}

async function authenticate(
  { host, port, saslAuthenticate }: AuthenticationProviderArgs,
  token: string,
): Promise<void> {
  const answer = await saslAuthenticate({
    request: message(`n,,${SEPARATOR}auth=Bearer ${token}${SEPARATOR}${SEPARATOR}`),
    response: { decode: (raw) => raw.subarray(LENGTH_BYTES), parse: (bytes) => bytes },
  });
  // Nothing where it is accepted, else a JSON object, to be answered by a separator alone.
  if (answer === undefined || answer.length === 0) return;
  const refused = `${host}:${port}: the broker refuses the token: check what kafka.sasl gives it`;
  try {
    await saslAuthenticate({ request: message(SEPARATOR) });
  } catch (error) {
    throw new SealstreamError('unauthorized', refused, { cause: error });
  }
  throw new SealstreamError('unauthorized', refused);
}

function message(text: string): { encode(): Buffer } {
  return {
    encode: () => {
      const body = Buffer.from(text, 'latin1');
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeInt32BE(body.length);
      return Buffer.concat([length, body]);
    },
  };
}

async function obtain(
  source: BearerToken,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string> {
  if ('text' in source) return checked(source.text, 'kafka.sasl.token');
  return checked(
    await run(source.command, timeoutMs, signal),
    `kafka.sasl.command: the output of ${source.command[0]}`,
  );
}

/** Names where a token came from, never the token. */
function checked(text: string, from: string): string {
  const token = text.replace(/\r?\n$/, '');
  if (token.length <= LONGEST_TOKEN && TOKEN.test(token)) return token;
  throw new SealstreamError(
    'configuration',
    `${from} is no bearer token: expected at most ${LONGEST_TOKEN} characters of A–Z a–z 0–9 . _ ~ + / = -`,
  );
}

/** Its output. Arguments are not shown in errors, nor is what it writes to stderr: either may hold
 * a secret. */
function run(command: readonly string[], timeoutMs: number, signal: AbortSignal): Promise<string> {
  const [program = '', ...rest] = command;
  return new Promise((resolve, reject) => {
    const options = {
      encoding: 'utf8',
      timeout: Math.ceil(timeoutMs),
      killSignal: 'SIGKILL',
      maxBuffer: LONGEST_TOKEN + 2,
      windowsHide: true,
      signal,
    } as const;
    const child = execFile(program, rest, options, (error, output) => {
      if (error === null) resolve(output);
      else reject(explain(error, `kafka.sasl.command: ${program}`, options));
    });
    child.stdin?.on('error', () => {
      // It ended without reading its input, which is empty.
    });
    child.stdin?.end();
  });
}

/** It will not be otherwise next time; everything else may be. */
const IN_VAIN: ReadonlySet<unknown> = new Set(['ENOENT', 'EACCES', 'EPERM', 'ENOTDIR', 'E2BIG']);

function explain(
  { code, killed, signal: end }: ExecFileException,
  name: string,
  { timeout, signal }: { timeout: number; signal: AbortSignal },
): SealstreamError {
  if (signal.aborted) {
    const message = `${name}: given up with the connection that it was for`;
    return new SealstreamError('unreachable', message);
  }
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
    const message = `${name}: it wrote more than ${LONGEST_TOKEN} bytes, and was stopped`;
    return new SealstreamError('configuration', message);
  }
  if (killed === true) {
    return new SealstreamError('timeout', `${name}: it gave no token within ${timeout} ms`);
  }
  if (typeof code === 'string') {
    const kind = IN_VAIN.has(code) ? 'configuration' : 'unreachable';
    return new SealstreamError(kind, `${name}: it cannot be run (${code})`);
  }
  const how = typeof code === 'number' ? `code ${code}` : end;
  const message = `${name}: it ended with ${how}; run it by hand to see why`;
  return new SealstreamError('unreachable', message);
}
