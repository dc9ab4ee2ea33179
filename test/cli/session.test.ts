import assert from 'node:assert/strict';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { changeOneByte } from '../../cli/demo/change.js';
import { Desk } from '../support/cli.js';

interface ReportDocument {
  readonly verdict: string;
  readonly records: string;
  readonly partitions: readonly {
    readonly partition: number;
    readonly verdict: string;
    readonly sealed: { readonly size: string; readonly next: string } | null;
    readonly findings: readonly {
      readonly code: string;
      readonly from: string | null;
      readonly to: string | null;
    }[];
  }[];
}

const EVENTS = Array.from({ length: 300 }, (_, index) => ({
  event_id: `0190a0b0-0000-7000-8000-${String(index).padStart(12, '0')}`,
  tenant_id: 'acme',
  action: 'payment.refund.approve',
  actor: { type: 'USER', id: `user-${index % 11}` },
  resources: [{ type: 'payment', id: `payment-${index}` }],
  outcome: { status: 'SUCCESS' },
}));

function lines(events: readonly unknown[]): string {
  return `${events.map((event) => JSON.stringify(event)).join('\n')}\n`;
}

describe('a ledger from init to check, on the embedded stream', () => {
  let desk: Desk;
  before(async () => {
    desk = await Desk.open();
  });
  after(() => desk.close());

  it('init, apply', async () => {
    assert.equal((await desk.run(['init', '--ledger', 'audit.example.com/test'])).code, 0);
    const { code, stdout } = await desk.run(['apply']);
    assert.equal(code, 0);
    assert.match(stdout, /audit: created, 3 partitions/);
    const again = await desk.run(['apply']);
    assert.equal(again.code, 0);
    assert.match(again.stdout, /audit\/2: known/);
  });

  it('verify says incomplete while nothing is signed', async () => {
    const { code, stdout } = await desk.run(['verify']);
    assert.equal(code, 2);
    assert.match(stdout, /no-checkpoint/);
    assert.match(stdout, /INCOMPLETE/);
  });

  it('publish takes the good lines and names the bad ones', async () => {
    const bad = [
      '{"action":"x"',
      '{"action":5,"actor":{"id":"a"}}',
      '{"action":"x","actor":{"id":"a"},"surprise":1}',
    ];
    await writeFile(desk.path('events.ndjson'), lines(EVENTS) + bad.join('\n'));
    const { code, stdout, stderr } = await desk.run(['publish', 'events.ndjson']);
    assert.equal(code, 65, stderr);
    assert.match(stdout, /300 events published to audit, 3 refused/);
    assert.match(stderr, /events\.ndjson:301/);
    assert.match(stderr, /events\.ndjson:302.*\/action/);
    assert.match(stderr, /events\.ndjson:303.*surprise/);
  });

  it('seal --once, verify, status', async () => {
    assert.equal((await desk.run(['seal', '--once'])).code, 0);
    const report = (await desk.json(['verify', '--memory', 'seen'])) as ReportDocument;
    assert.equal(report.verdict, 'intact');
    assert.equal(report.records, '300');
    assert.equal(report.partitions.length, 3);
    const status = (await desk.json(['status'])) as { lagRecords: string }[];
    assert.deepEqual(
      status.map(({ lagRecords }) => lagRecords),
      ['0', '0', '0'],
    );
  });

  it('replay returns the same events', async () => {
    const { code, stdout } = await desk.run(['replay']);
    assert.equal(code, 0);
    const replayed = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: (typeof EVENTS)[number] });
    assert.equal(replayed.length, EVENTS.length);
    const byId = new Map(replayed.map(({ event }) => [event.event_id, event]));
    for (const event of EVENTS) {
      const found = byId.get(event.event_id);
      assert.equal(found?.action, event.action);
      assert.equal(found?.actor.id, event.actor.id);
      assert.equal(found?.resources[0]?.id, event.resources[0]?.id);
    }
  });

  it('checkpoints prints exactly one note, verbatim', async () => {
    const { code, stdout } = await desk.run(['checkpoints', '--partition', '1', '--latest']);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^audit\.example\.com\/test\/audit\/[\w-]{22}\/1\n\d+\n[^\n]+\nsealstream\/v1\n/,
    );
    assert.equal(stdout.match(/sealstream\/v1/g)?.length, 1);
  });

  it('prove, then check offline; a changed receipt or record is refused', async () => {
    const [line = ''] = (await desk.run(['replay'])).stdout.split('\n');
    const { partition, offset } = JSON.parse(line) as { partition: number; offset: string };
    const where = ['--partition', String(partition), '--offset', offset];
    assert.equal((await desk.run(['prove', ...where])).code, 0);
    const name = `audit-${partition}-${offset}`;
    const check = (proof: string, record: string) =>
      desk.run(['check', proof, '--record', record, '--public-key', 'keys/sealer.pub.pem']);
    const good = await check(`${name}.tlog-proof`, `${name}.record`);
    assert.equal(good.code, 0, good.stderr);
    const proof = await readFile(desk.path(`${name}.tlog-proof`), 'utf8');
    await writeFile(desk.path('changed'), proof.replace(/index \d+/, 'index 999'));
    assert.equal((await check('changed', `${name}.record`)).code, 1);
    await writeFile(desk.path('other'), 'another record');
    assert.equal((await check(`${name}.tlog-proof`, 'other')).code, 1);
  });

  it('one changed byte in a copy: exit 1 and the record', async () => {
    await cp(desk.path('data'), desk.path('changed-data'), { recursive: true });
    const { offset } = await changeOneByte(desk.path('changed-data'), 'audit');
    const words = ['verify', '--json', '--stream', 'file:changed-data', '--topic', 'audit'];
    const auditor = ['--ledger', 'audit.example.com/test', '--public-key', 'keys/sealer.pub.pem'];
    const { code, stdout } = await desk.run([...words, ...auditor]);
    assert.equal(code, 1);
    const report = JSON.parse(stdout) as ReportDocument;
    assert.equal(report.verdict, 'tampered');
    const findings = report.partitions.flatMap((partition) => partition.findings);
    const altered = findings.find((finding) => finding.code === 'record-altered');
    assert.ok(altered?.from != null && altered.to != null, stdout);
    assert.ok(BigInt(altered.from) <= offset && offset < BigInt(altered.to));
  });

  it('an unreachable stream, a missing key and a wrong key are exit 3', async () => {
    const auditor = ['--ledger', 'audit.example.com/test', '--topic', 'audit'];
    const verify = (stream: string, key: string) =>
      desk.run(['verify', '--stream', stream, '--public-key', key, ...auditor, '--timeout', '2s']);
    assert.equal((await verify('file:nowhere', 'keys/sealer.pub.pem')).code, 3);
    assert.equal((await verify('kafka://127.0.0.1:1', 'keys/sealer.pub.pem')).code, 3);
    assert.equal((await verify('file:data', 'no-such.pem')).code, 3);
    await writeFile(desk.path('garbage.pem'), 'garbage');
    assert.equal((await verify('file:data', 'garbage.pem')).code, 3);
    assert.equal((await desk.run(['init', 'elsewhere', '--ledger', 'x.example'])).code, 0);
    const wrong = await verify('file:data', 'elsewhere/keys/sealer.pub.pem');
    assert.equal(wrong.code, 3);
    assert.match(wrong.stdout, /wrong-key/);
  });

  it('a topic that is not there is incomplete, never intact', async () => {
    const auditor = ['--ledger', 'audit.example.com/test', '--public-key', 'keys/sealer.pub.pem'];
    const { code, stdout } = await desk.run([
      'verify',
      '--stream',
      'file:data',
      '--topic',
      'nothing',
      ...auditor,
    ]);
    assert.equal(code, 2);
    assert.match(stdout, /topic-missing/);
  });

  it('a sealer without its memory signs nothing until adopt', async () => {
    const before = await desk.run(['checkpoints']);
    await rm(desk.path('memory'), { recursive: true });
    const refused = await desk.run(['seal', '--once']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /memory-missing/);
    assert.equal((await desk.run(['checkpoints'])).stdout, before.stdout);
    const applied = await desk.run(['apply']);
    assert.equal(applied.code, 1);
    assert.match(applied.stderr, /adopt/);
    const shown = await desk.run(['adopt']);
    assert.equal(shown.code, 0);
    assert.match(shown.stderr, /Nothing was written/);
    assert.equal((await desk.run(['seal', '--once'])).code, 1);
    assert.equal((await desk.run(['adopt', '--yes'])).code, 0);
    assert.equal((await desk.run(['seal', '--once'])).code, 0);
    assert.equal((await desk.run(['verify', '--memory', 'seen'])).code, 0);
  });
});
