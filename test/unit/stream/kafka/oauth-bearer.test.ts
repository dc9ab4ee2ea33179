import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { SealstreamError } from '../../../../ledger/error.js';
import { oauthBearer } from '../../../../stream/kafka/connection/oauth-bearer.js';
import type { BearerToken } from '../../../../stream/stream.js';

const MARKER = 'hunter2marker';
const PATIENCE_MS = 20_000;

/** What the broker is sent, where it answers with `answers` in turn. */
async function authenticated(
  token: BearerToken,
  { answers = [''], timeoutMs = PATIENCE_MS, signal = new AbortController().signal } = {},
): Promise<string[]> {
  const sent: string[] = [];
  const waiting = [...answers];
  const { authenticationProvider } = oauthBearer(token, timeoutMs, signal);
  const logger = { info() {}, error() {}, warn() {}, debug() {} };
  const provider = authenticationProvider({
    host: 'broker',
    port: 1,
    logger: { ...logger, namespace: () => assert.fail(), setLogLevel() {} },
    async saslAuthenticate({ request, response }) {
      const bytes = await request.encode();
      assert.equal(bytes.readInt32BE(0), bytes.length - 4);
      sent.push(bytes.toString('latin1', 4));
      const body = Buffer.from(waiting.shift() ?? '');
      const raw = Buffer.concat([Buffer.from([0, 0, 0, body.length]), body]);
      return response?.parse(await response.decode(raw));
    },
  });
  await provider.authenticate();
  return sent;
}

async function refusal(
  token: BearerToken,
  options?: Parameters<typeof authenticated>[1],
): Promise<SealstreamError> {
  const error: unknown = await authenticated(token, options).then(
    () => assert.fail('not refused'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof SealstreamError, String(error));
  assert.doesNotMatch(inspect(error, { depth: 20, showHidden: true }), /hunter2/);
  return error;
}

function shell(script: string): BearerToken {
  return { command: ['/bin/sh', '-c', script] };
}

describe('OAUTHBEARER', () => {
  it('sends the token as RFC 7628 has it', async () => {
    const expected = ['n,,\x01auth=Bearer a.b-c_~+/==\x01\x01'];
    assert.deepEqual(await authenticated({ text: 'a.b-c_~+/==' }), expected);
    assert.deepEqual(await authenticated({ text: 'a.b-c_~+/==\n' }), expected);
    assert.deepEqual(await authenticated(shell('echo a.b-c_~+/==')), expected);
  });

  it('ends the exchange where the broker refuses', async () => {
    const error = await refusal({ text: MARKER }, { answers: ['{"status":"invalid_token"}', ''] });
    assert.equal(error.code, 'unauthorized');
    assert.match(error.message, /^broker:1: the broker refuses the token/);
  });

  it('takes nothing that would end or extend the message', async () => {
    for (const text of ['', `${MARKER}\x01auth=x`, `${MARKER} x`, `a\nb${MARKER}`, `${MARKER}é`]) {
      const error = await refusal({ text });
      assert.equal(error.code, 'configuration');
      assert.match(error.message, /^kafka\.sasl\.token is no bearer token: expected/);
    }
    assert.equal((await refusal({ text: MARKER.repeat(2_000) })).code, 'configuration');
  });

  const COMMANDS: [string, string, string, RegExp][] = [
    [
      'fails',
      `echo ${MARKER}; echo ${MARKER} >&2; exit 3`,
      'unreachable',
      /ended with code 3; run/,
    ],
    ['is killed', `echo ${MARKER}; kill -9 $$`, 'unreachable', /ended with SIGKILL; run/],
    ['says nothing', ':', 'configuration', /the output of \/bin\/sh is no bearer token/],
    ['says two lines', `echo ${MARKER}; echo x`, 'configuration', /is no bearer token/],
    [
      'does not stop talking',
      `while :; do echo ${MARKER}; done`,
      'configuration',
      /it wrote more than 16384 bytes, and was stopped/,
    ],
  ];
  for (const [name, script, code, expected] of COMMANDS) {
    it(`names a command that ${name}, and shows nothing that it wrote`, async () => {
      const error = await refusal(shell(`: ${MARKER}; ${script}`));
      assert.equal(error.code, code);
      assert.match(error.message, /^kafka\.sasl\.command: /);
      assert.match(error.message, expected);
    });
  }

  it('waits no longer than the timeout, for a command or for what it started', async () => {
    for (const script of ['exec sleep 60', 'sleep 60 & sleep 60']) {
      const error = await refusal(shell(script), { timeoutMs: 200 });
      assert.equal(error.code, 'timeout');
      assert.equal(error.message, 'kafka.sasl.command: /bin/sh: it gave no token within 200 ms');
    }
  });

  it('passes arguments as they are, with no shell between', async () => {
    const argument = '$(echo x);|`';
    const hexadecimal = 'process.stdout.write(Buffer.from(process.argv[1]).toString("hex"))';
    const command = [process.execPath, '-e', hexadecimal, argument];
    const [message] = await authenticated({ command });
    assert.ok(message?.includes(`Bearer ${Buffer.from(argument).toString('hex')}\x01`));
  });

  it('ends a command whose connection is given up', async () => {
    const life = new AbortController();
    const pending = refusal(shell('exec sleep 60'), { signal: life.signal });
    life.abort();
    assert.equal((await pending).code, 'unreachable');
  });

  it('gives an empty input to a command that reads', async () => {
    assert.equal((await authenticated(shell('cat; echo token'))).length, 1);
  });
});
