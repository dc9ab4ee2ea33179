import assert from 'node:assert/strict';
import { chmod, readFile, rename, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { Desk, type Session } from '../support/cli.js';

interface Document {
  readonly checks: readonly { readonly check: string; readonly ran: boolean }[];
  readonly findings: readonly {
    readonly code: string;
    readonly severity: string;
    readonly topic: string | null;
    readonly remedy: string;
    readonly place: { readonly line: number };
  }[];
}

const EVENT = {
  action: 'payment.refund.approve',
  actor: { type: 'USER', id: 'u' },
  resources: [{ type: 'payment', id: 'p' }],
  outcome: { status: 'SUCCESS' },
};

function documentOf({ stdout }: Session): Document {
  return JSON.parse(stdout) as Document;
}

function codes(session: Session): string[] {
  return documentOf(session)
    .findings.map(({ code }) => code)
    .sort();
}

/** A month from now. */
const DAY = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);

describe('doctor on an embedded ledger', () => {
  let desk: Desk;
  const doctor = (...words: string[]): Promise<Session> => desk.run(['doctor', '--json', ...words]);
  const edit = (change: (text: string) => string): Promise<void> => desk.edit(change);

  before(async () => {
    desk = await Desk.open();
    await desk.run(['init', '--ledger', 'audit.example.com/test']);
  });
  after(() => desk.close());

  it('before apply: topics and memory are missing', async () => {
    const session = await doctor();
    assert.equal(session.code, 1);
    const found = codes(session);
    assert.ok(found.includes('topic-missing'));
    assert.ok(found.includes('memory-missing'));
  });

  it('after apply: nothing but notes', async () => {
    assert.equal((await desk.run(['apply'])).code, 0);
    const session = await doctor();
    assert.equal(session.code, 0, session.stdout + session.stderr);
    assert.deepEqual(codes(session), ['not-sealed-yet', 'not-sealed-yet']);
  });

  it('published and sealed: nothing at all, and a line of counts', async () => {
    const input = `${JSON.stringify(EVENT)}\n`;
    assert.equal((await desk.run(['publish', '--format', 'event'], { input })).code, 0);
    assert.equal((await desk.run(['seal', '--once'])).code, 0);
    const { code, stdout, stderr } = await desk.run(['doctor']);
    assert.equal(code, 0);
    assert.equal(stdout, '0 errors, 0 warnings, 0 notes; 19 checks ran\n');
    assert.equal(stderr, '');
  });

  it('a key that others can read', async () => {
    await chmod(desk.path('keys', 'sealer.pem'), 0o644);
    const session = await doctor();
    assert.equal(session.code, 1);
    assert.deepEqual(codes(session), ['key-file-mode']);
    assert.equal(documentOf(session).findings[0]?.remedy, 'chmod 600 keys/sealer.pem');
    const { stdout } = await desk.run(['doctor']);
    assert.match(stdout, /^ERRORS\n {2}key-file-mode {2}keys\/sealer\.pem: mode 0644/);
    await chmod(desk.path('keys', 'sealer.pem'), 0o600);
  });

  it('a folder of keys, and a memory, that others can write', async () => {
    await chmod(desk.path('keys'), 0o707);
    await chmod(desk.path('memory'), 0o703);
    assert.deepEqual(codes(await doctor()), ['key-folder-mode', 'memory-mode']);
    await chmod(desk.path('keys'), 0o700);
    await chmod(desk.path('memory'), 0o700);
  });

  it('the public key of somebody else', async () => {
    const path = desk.path('keys', 'sealer.pub.pem');
    const own = await readFile(path, 'utf8');
    const other = await Desk.open();
    try {
      await other.run(['init', '--ledger', 'audit.example.com/other']);
      await writeFile(path, await readFile(other.path('keys', 'sealer.pub.pem'), 'utf8'));
    } finally {
      await other.close();
    }
    const session = await doctor();
    assert.equal(session.code, 1);
    assert.ok(codes(session).includes('key-mismatch'));
    await writeFile(path, own);
  });

  it('a public key that is none: told, and what needs it could not be checked', async () => {
    const path = desk.path('keys', 'sealer.pub.pem');
    const own = await readFile(path, 'utf8');
    await writeFile(path, 'no key');
    const session = await doctor();
    assert.equal(session.code, 1);
    assert.deepEqual(codes(session), ['key-unusable']);
    const blind = documentOf(session).checks.filter(({ ran }) => !ran);
    assert.deepEqual(
      blind.map(({ check }) => check),
      ['sealing'],
    );
    await writeFile(path, own);
  });

  it('a head that is stale', async () => {
    await edit((text) => text.replace(/maxAge: \w+/, 'maxAge: 1ms'));
    const found = codes(await doctor());
    assert.ok(found.includes('checkpoint-stale'), found.join());
    assert.ok(found.includes('checkpoint-slow'), found.join());
    await edit((text) => text.replace('maxAge: 1ms', 'maxAge: 15m'));
  });

  it('a memory that is gone', async () => {
    await rename(desk.path('memory'), desk.path('elsewhere'));
    assert.deepEqual(codes(await doctor()), ['memory-missing']);
    await rename(desk.path('elsewhere'), desk.path('memory'));
  });

  it('records cut off at the end of a log', async () => {
    const status = (await desk.json(['status'])) as {
      readonly partition: number;
      readonly log: { readonly end: string };
    }[];
    const filled = status.find(({ log }) => log.end !== '0') ?? assert.fail('no record');
    const log = desk.path('data', `audit-${filled.partition}`, `${'0'.repeat(20)}.log`);
    const bytes = await readFile(log);
    await writeFile(log, '');
    const session = await doctor();
    assert.equal(session.code, 1);
    assert.deepEqual(codes(session), ['log-refused']);
    await writeFile(log, bytes);
    assert.deepEqual(codes(await doctor()), []);
  });

  it('SARIF to a file, and to stdout, not beside --json', async () => {
    const { code, stdout } = await desk.run(['doctor', '--sarif', 'doctor.sarif']);
    assert.equal(code, 0);
    assert.match(stdout, /19 checks ran/);
    const written = JSON.parse(await readFile(desk.path('doctor.sarif'), 'utf8'));
    const printed = await desk.run(['doctor', '--sarif', '-']);
    assert.deepEqual(JSON.parse(printed.stdout), written);
    assert.equal((await desk.run(['doctor', '--sarif', '-', '--json'])).code, 64);
    assert.equal((await desk.run(['doctor', '--sarif', 'no/such/folder'])).code, 64);
  });

  it('a cluster that does not answer: one line, and exit 3', async () => {
    await writeFile(
      desk.path('away.yaml'),
      (await readFile(desk.path('ledger.yaml'), 'utf8'))
        .replace('file:./data', 'kafka://127.0.0.1:1')
        .concat('kafka: { timeout: 2s }\n'),
    );
    const session = await doctor('--config', 'away.yaml');
    assert.equal(session.code, 3);
    assert.match(session.stderr, /^sealstream: the cluster could not be checked: 127.*\n$/);
    assert.deepEqual(codes(session), ['tls-off-local']);
  });

  it('a file that is refused: exit 64', async () => {
    await writeFile(desk.path('bad.yaml'), 'version: 2\n');
    const { code, stderr } = await doctor('--config', 'bad.yaml');
    assert.equal(code, 64);
    assert.match(stderr, /bad\.yaml:1:/);
  });

  it('a waiver: the finding is a note with its place in the file', async () => {
    await edit(
      (text) =>
        `${text}waivers: [{ code: key-file-mode, until: ${DAY}, reason: shared in this test }]\n`,
    );
    assert.deepEqual(codes(await doctor()), ['configuration-unrecorded', 'waiver-unused']);
    assert.equal((await desk.run(['apply'])).code, 0);
    assert.deepEqual(codes(await doctor()), ['waiver-unused']);
    await chmod(desk.path('keys', 'sealer.pem'), 0o640);
    const session = await doctor();
    assert.equal(session.code, 0);
    const [finding] = documentOf(session).findings;
    assert.equal(finding?.severity, 'note');
    const lines = (await readFile(desk.path('ledger.yaml'), 'utf8')).split('\n');
    assert.match(lines[(finding?.place.line ?? 0) - 1] ?? '', /keys\/sealer\.pem/);
    const { stdout } = await desk.run(['doctor']);
    assert.match(stdout, /waived {2}until [0-9-]{10}: shared in this test/);
  });
});
