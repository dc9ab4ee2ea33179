import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { configurationHash } from '../../../../policy/file/canonical.js';
import { configurationRecord, readRecorded } from '../../../../policy/plan/recorded.js';
import { textChanges } from '../../../../policy/plan/text-changes.js';
import { type Publisher, publisher } from '../../../../producer/publisher.js';
import type { PublishOptions } from '../../../../producer/record-writer.js';
import { openStream } from '../../../../stream/open.js';
import type { Stream, TopicDescription } from '../../../../stream/stream.js';
import { declaration } from './plan-support.js';

const TOPIC = 'audit.configuration';
const DECLARED = declaration();
const IDS = new Map([['audit', 'AAAAAAAAAAAAAAAAAAAAAA']]);

const RECORD = configurationRecord({
  declared: DECLARED,
  actor: 'deploy',
  before: null,
  loosened: [],
  topicIds: IDS,
});

function optionsOf({ key, headers }: typeof RECORD): PublishOptions {
  return { key, headers };
}

async function withTopic(
  body: (stream: Stream, topic: TopicDescription, out: Publisher) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sealstream-recorded-'));
  const stream = await openStream(`file:${folder}`);
  try {
    const settings = new Map([['message.timestamp.type', 'LogAppendTime']]);
    await stream.createTopic({ topic: TOPIC, partitions: 1, replication: 1, settings });
    const topic = (await stream.describe(TOPIC)) ?? assert.fail('no topic');
    const out = await publisher({ stream, topic: TOPIC, source: 'urn:test' });
    try {
      await body(stream, topic, out);
    } finally {
      await out.close();
    }
  } finally {
    await stream.close();
    await rm(folder, { recursive: true });
  }
}

describe('the recorded configuration', () => {
  it('is read back as it was appended; of several the last', () =>
    withTopic(async (stream, topic, out) => {
      assert.equal(await readRecorded(stream, topic), null);
      const older = { ...DECLARED, text: '{"topics":[{"name":"old"}]}' };
      const hash = configurationHash(older.text);
      const first = configurationRecord({
        declared: { ...older, hash },
        actor: 'deploy',
        before: null,
        loosened: [],
        topicIds: new Map(),
      });
      await out.publish(first.event, optionsOf(first));
      assert.deepEqual((await readRecorded(stream, topic))?.topics, ['old']);
      await out.publish(RECORD.event, optionsOf(RECORD));
      const found = await readRecorded(stream, topic);
      assert.equal(found?.offset, 1n);
      assert.deepEqual([found?.hash, found?.named], [DECLARED.hash, DECLARED.hash]);
      assert.equal(found?.text, DECLARED.text);
      assert.deepEqual(found?.topics, ['audit', 'trail']);
      assert.deepEqual(found?.topicIds, IDS);
    }));

  it('is no record that its own hash does not vouch for', () =>
    withTopic(async (stream, topic, out) => {
      await out.publish(RECORD.event, optionsOf(RECORD));
      const other = configurationHash('other');
      const { event, key } = RECORD;
      const attributes = event.attributes ?? {};
      const text = '{"topics":[]}';
      await out.publish(event, { key });
      await out.publish(event, { key, headers: [['sealstream-config', other]] });
      await out.publish(event, { key, headers: [...RECORD.headers, ...RECORD.headers] });
      await out.publish({ ...event, action: 'other' }, optionsOf(RECORD));
      await out.publish(
        { ...event, attributes: { ...attributes, 'config.text': text } },
        optionsOf(RECORD),
      );
      await out.publish(
        { ...event, attributes: { ...attributes, 'config.sha256': other } },
        optionsOf(RECORD),
      );
      await out.publishRaw({ key, value: null, headers: RECORD.headers });
      await out.publishRaw({ key, value: Uint8Array.of(0xc3, 1, 2), headers: RECORD.headers });
      // As deep as no stack is: whoever walks through it ends.
      const deep = `{"topics":[],"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
      const names = '{"topics":[{"name":"../x"}]}';
      for (const bad of [deep, names, '[]', 'null', '{', '{"topics":7}']) {
        const hash = configurationHash(bad);
        const forged = { ...attributes, 'config.text': bad, 'config.sha256': hash };
        const headers = [['sealstream-config', hash]] as const;
        await out.publish({ ...event, attributes: forged }, { key, headers });
      }
      const found = await readRecorded(stream, topic);
      assert.equal(found?.offset, 0n);
      assert.equal(found?.named, configurationHash('{"topics":7}'), 'what checkpoints name');
    }));

  it('is found below many other records', () =>
    withTopic(async (stream, topic, out) => {
      await out.publish(RECORD.event, optionsOf(RECORD));
      const noise = Array.from({ length: 1_000 }, () =>
        out.publishRaw({ key: null, value: Uint8Array.of(1) }),
      );
      await Promise.all(noise);
      assert.equal((await readRecorded(stream, topic))?.offset, 0n);
    }));

  it('is refused below more records than anyone should have to read', () =>
    withTopic(async (stream, topic, out) => {
      await out.publish(RECORD.event, optionsOf(RECORD));
      for (let lot = 0; lot < 33; lot += 1) {
        const noise = Array.from({ length: 2_000 }, () =>
          out.publishRaw({ key: null, value: null }),
        );
        await Promise.all(noise);
      }
      await assert.rejects(readRecorded(stream, topic), {
        code: 'unreadable',
        message: /audit\.configuration\/0: no configuration among the last 65536/,
      });
    }));
});

describe('what changed between two configurations', () => {
  const cases: [string | null, string, [string, string | null, string | null][]][] = [
    ['{"a":1}', '{"a":1}', []],
    [
      '{"a":1}',
      '{"a":2,"b":{}}',
      [
        ['/a', '1', '2'],
        ['/b', null, '{}'],
      ],
    ],
    ['{"a":[1,2]}', '{"a":[1]}', [['/a/1', '2', null]]],
    ['{"a/b":{"c~":null}}', '{"a/b":{"c~":0}}', [['/a~1b/c~0', 'null', '0']]],
    ['{"a":{}}', '{"a":[]}', [['/a', '{}', '[]']]],
    ['{"toString":1}', '{}', [['/toString', '1', null]]],
    [null, '{"a":1}', [['', null, '{"a":1}']]],
  ];
  for (const [before, after, expected] of cases) {
    it(`${before} to ${after}`, () => {
      assert.deepEqual(
        textChanges(before, after).map((each) => [each.path, each.before, each.after]),
        expected,
      );
    });
  }

  it('says only that it changed, where it is too much for an event', () => {
    const long = JSON.stringify({ a: 'x'.repeat(300_000) });
    assert.deepEqual(textChanges('{"a":1}', long), [{ path: '', redacted: true }]);
    const many = JSON.stringify(Array.from({ length: 1_001 }, (_, index) => index));
    assert.deepEqual(textChanges('[]', many), [{ path: '', redacted: true }]);
  });
});
