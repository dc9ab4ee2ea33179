import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { it } from 'node:test';
import { parse, stringify } from 'yaml';
import { LedgerDesk, onBothStreams, uniqueTopic, until } from '../support/ledger-desk.js';

interface SmokeDocument {
  readonly verdict: string;
  readonly id: string;
  readonly topics: readonly {
    readonly topic: string;
    readonly verdict: string;
    readonly event: string | null;
    readonly partition: number | null;
    readonly offset: string | null;
    readonly checkpoint: { readonly size: string; readonly next: string } | null;
    readonly seconds: Readonly<Record<string, number | null>>;
    readonly findings: readonly { readonly code: string; readonly message: string }[];
  }[];
}

/** ledger.yaml without what only the sealer may have. */
async function withoutSealing(desk: LedgerDesk, name: string): Promise<void> {
  const { seal: _, ...rest } = parse(await readFile(desk.path('ledger.yaml'), 'utf8')) as {
    seal: unknown;
  };
  await writeFile(desk.path(name), stringify(rest));
}

onBothStreams('smoke while a sealer runs', async (bootstrap) => {
  const topics = [uniqueTopic(), uniqueTopic()];
  await LedgerDesk.use({ bootstrap, topics, seal: { every: '1s' } }, async (desk) => {
    await withoutSealing(desk, 'verifier.yaml');
    const sealer = desk.start(['seal']);
    const found = (await desk.json(['smoke', '--config', 'verifier.yaml'])) as SmokeDocument;
    assert.equal(found.verdict, 'intact');
    assert.deepEqual(
      found.topics.map(({ topic, findings }) => [topic, findings.length]),
      topics.map((topic) => [topic, 0]),
    );
    const replayed = await desk.replay();
    for (const { topic, event, partition, offset, seconds, checkpoint } of found.topics) {
      const line = replayed.find((each) => each.topic === topic);
      assert.deepEqual(
        [line?.event?.event_id, line?.partition, line?.offset, line?.event?.['attributes']],
        [event, partition, offset, { 'smoke.id': found.id }],
      );
      assert.equal(line?.event?.['action'], 'sealstream.smoke');
      assert.ok(BigInt(checkpoint?.next ?? -1) > BigInt(offset ?? -1));
      assert.ok(Object.values(seconds).every((taken) => taken !== null && taken >= 0));
    }
    const one = await desk.run(['smoke', '--topic', topics[1] ?? '']);
    assert.equal(one.code, 0, one.stderr);
    assert.match(
      one.stdout,
      /sealed +\d+\.\d{3} s\n +verified +\d+\.\d{3} s {2}under the checkpoint/,
    );
    assert.match(one.stdout, /\nPASSED: /);
    assert.ok(!one.stdout.includes(topics[0] ?? ''));
    sealer.kill('SIGTERM');
    assert.equal((await sealer.session).code, 0);
  });
});

onBothStreams('smoke says what is wrong', async (bootstrap) => {
  await LedgerDesk.use({ bootstrap, seal: { every: '300ms' } }, async (desk) => {
    const unsealed = await desk.run(['smoke', '--timeout', '1s', '--json']);
    assert.equal(unsealed.code, 2, unsealed.stderr);
    const [topic] = (JSON.parse(unsealed.stdout) as SmokeDocument).topics;
    assert.equal(topic?.findings[0]?.code, 'unsealed');
    assert.match(topic?.findings[0]?.message ?? '', /is `sealstream seal` running/);
    assert.deepEqual([topic?.seconds['sealed'], topic?.checkpoint], [null, null]);

    const text = await readFile(desk.path('ledger.yaml'), 'utf8');
    await writeFile(desk.path('other.yaml'), text.replaceAll(desk.topic, uniqueTopic()));
    const missing = await desk.run(['smoke', '--config', 'other.yaml']);
    assert.equal(missing.code, 2, missing.stderr);
    assert.match(missing.stdout, /topic-missing: .*`sealstream apply` makes it/);

    const undeclared = await desk.run(['smoke', '--topic', 'nowhere']);
    assert.equal(undeclared.code, 64);
    assert.match(undeclared.stderr, /--topic nowhere: not in ledger\.yaml/);

    await desk.run(['init', 'elsewhere', '--ledger', 'audit.example.com/elsewhere']);
    const other = text.replace('keys/sealer.pub.pem', 'elsewhere/keys/sealer.pub.pem');
    await writeFile(desk.path('key.yaml'), other);
    const sealer = desk.start(['seal']);
    await until('the sealer publishes', async () => (await desk.notes()) !== '');
    // All of the time is waited for a checkpoint that this key signed.
    const wrongKey = await desk.run(['smoke', '--config', 'key.yaml', '--timeout', '10s']);
    assert.equal(wrongKey.code, 3, wrongKey.stderr);
    assert.match(wrongKey.stdout, /wrong-key: .*check that verify\.publicKey is that of seal\.key/);
    sealer.kill('SIGTERM');
    assert.equal((await sealer.session).code, 0, sealer.stderr());
  });
});

it('smoke cannot check what does not answer, and publishes nothing', async () => {
  const desk = await LedgerDesk.make({ bootstrap: null });
  try {
    const text = await readFile(desk.path('ledger.yaml'), 'utf8');
    const away = `${text.replace(/^stream: .*$/m, 'stream: kafka://127.0.0.1:1')}kafka: { timeout: 1s }\n`;
    await writeFile(desk.path('away.yaml'), away);
    const { code, stdout, stderr } = await desk.run(['smoke', '--config', 'away.yaml']);
    assert.equal(code, 3, stdout + stderr);
    assert.match(stdout + stderr, /unreachable|could not check/);
  } finally {
    await desk.close();
  }
});
