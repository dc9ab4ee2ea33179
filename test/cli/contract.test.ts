import assert from 'node:assert/strict';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { Desk } from '../support/cli.js';
import { until } from '../support/ledger-desk.js';

const CONFIG = ['--config', 'conf/ledger.yaml'];

interface Printed {
  readonly note: string;
  readonly offset: string;
}

describe('the command-line contract where words can be taken two ways', () => {
  let desk: Desk;
  before(async () => {
    desk = await Desk.open();
  });
  after(() => desk.close());

  const publish = (count: number) => {
    const event = (index: number) => ({ action: 'a.b', actor: { id: `user-${index}` } });
    const input = Array.from({ length: count }, (_, index) => JSON.stringify(event(index)));
    return desk.run(['publish', ...CONFIG], { input: `${input.join('\n')}\n` });
  };
  const edit = async (name: string, change: (text: string) => string): Promise<void> => {
    const text = await readFile(desk.path('conf/ledger.yaml'), 'utf8');
    await writeFile(desk.path('conf', name), change(text));
  };

  it('init --config writes that file, and the keys beside it', async () => {
    const words = ['init', '--ledger', 'audit.example.com/test'];
    assert.equal((await desk.run([...words, 'x', ...CONFIG])).code, 64);
    assert.equal((await desk.run([...words, ...CONFIG])).code, 0);
    assert.match(await readFile(desk.path('conf/keys/sealer.pub.pem'), 'utf8'), /PUBLIC KEY/);
    assert.equal((await desk.run(['apply', ...CONFIG])).code, 0);
    assert.equal((await publish(20)).code, 0);
    assert.equal((await desk.run(['seal', '--once', ...CONFIG])).code, 0);
  });

  it('checkpoints: the same notes as text and as one JSON document', async () => {
    const all = (await desk.json(['checkpoints', ...CONFIG])) as Printed[];
    assert.equal(all.length, 3);
    const text = await desk.run(['checkpoints', ...CONFIG]);
    assert.equal(text.stdout, all.map(({ note }) => note).join('\n'));
    const none = await desk.run(['checkpoints', '--partition', '9', '--json', ...CONFIG]);
    assert.deepEqual([none.code, none.stdout], [70, '[]\n']);
  });

  it('checkpoints --latest: one head a log', async () => {
    assert.equal((await desk.run(['seal', '--once', ...CONFIG])).code, 0);
    const all = (await desk.json(['checkpoints', ...CONFIG])) as Printed[];
    const latest = (await desk.json(['checkpoints', '--latest', ...CONFIG])) as Printed[];
    assert.deepEqual([all.length, latest.length], [6, 3]);
    const offsets = latest.map(({ offset }) => Number(offset));
    assert.deepEqual(offsets.sort(), [3, 4, 5]);
    const one = await desk.run(['checkpoints', '--latest', '--partition', '1', ...CONFIG]);
    assert.match(one.stdout, /^\S+\/1\n[\s\S]*\n\n— \S+\/1 \S+\n$/);
  });

  it('prove --out makes the folder', async () => {
    const words = ['prove', '--partition', '0', '--offset', '0', '--out', 'new/folder', ...CONFIG];
    const files = (await desk.json(words)) as { proof: string; record: string };
    const key = ['--public-key', 'conf/keys/sealer.pub.pem'];
    const check = await desk.run(['check', files.proof, '--record', files.record, ...key]);
    assert.equal(check.code, 0, check.stderr);
  });

  it('a topic name that is none, a memory that is no folder: exit 64', async () => {
    const auditor = ['--stream', 'file:conf/data', '--ledger', 'a'];
    const key = ['--public-key', 'conf/keys/sealer.pub.pem'];
    for (const topic of ['a/b', '', 'audit.checkpoints']) {
      const run = await desk.run(['verify', ...auditor, '--topic', topic, ...key]);
      assert.equal(run.code, 64, topic);
      assert.match(run.stderr, /--topic: /);
    }
    const run = await desk.run(['verify', '--memory', 'conf/ledger.yaml', ...CONFIG]);
    assert.equal(run.code, 64);
    assert.match(run.stderr, /cannot use conf\/ledger\.yaml as a folder/);
    assert.doesNotMatch(run.stderr, /\n\s+at /);
  });

  it('status: an empty memory is a refusal; where nobody seals nothing is refused', async () => {
    await mkdir(desk.path('conf/empty'));
    await edit('empty.yaml', (text) => text.replace('./memory', './empty'));
    const empty = await desk.run(['status', '--json', '--config', 'conf/empty.yaml']);
    assert.equal(empty.code, 1);
    const [first] = JSON.parse(empty.stdout) as { refusal: { reason: string } }[];
    assert.equal(first?.refusal.reason, 'memory-missing');
    await edit('auditor.yaml', (text) => text.replace(/seal:[\s\S]*(?=verify:)/, ''));
    const status = await desk.json(['status', '--config', 'conf/auditor.yaml']);
    assert.ok(Array.isArray(status) && status.every(({ refusal }) => refusal === null));
  });

  it("verify holds the log against the sealer's memory and leaves it as it is", async () => {
    await cp(desk.path('conf/memory'), desk.path('older'), { recursive: true });
    assert.equal((await publish(20)).code, 0);
    assert.equal((await desk.run(['seal', '--once', ...CONFIG])).code, 0);
    await rm(desk.path('conf/memory'), { recursive: true });
    await cp(desk.path('older'), desk.path('conf/memory'), { recursive: true });
    const verified = await desk.run(['verify', '--memory', 'conf/memory', ...CONFIG]);
    assert.equal(verified.code, 0, verified.stdout);
    const sealed = await desk.run(['seal', '--once', ...CONFIG]);
    assert.equal(sealed.code, 1);
    assert.match(sealed.stderr, /memory-behind/);
  });

  it('seal ends with 1 where a log was refused to its end', async () => {
    const running = desk.start(['seal', ...CONFIG]);
    await until('the log is refused', () => running.stderr().includes('memory-behind'));
    running.kill('SIGTERM');
    assert.equal((await running.session).code, 1);
  });
});
