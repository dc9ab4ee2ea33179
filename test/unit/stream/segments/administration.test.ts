import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openAdministration } from '../../../../stream/open.js';
import {
  createTopic,
  FIRST_SEGMENT,
  openIn,
  stored,
  storedPartition,
  TOPIC_ID,
  temporaryFolder,
} from './support.js';

test('a topic of a folder: its settings, one replica, and a partition that is gone', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  const { topicId } = await createTopic(stream, 'audit', 3, new Map([['retention.ms', '-1']]));
  const administration = await openAdministration(`file:${root}`);
  await rm(join(root, 'audit-1'), { recursive: true });
  const [there, gone] = [
    { leader: 0, replicas: [0], inSync: [0], offline: [] },
    { leader: null, replicas: [0], inSync: [], offline: [0] },
  ];
  assert.deepEqual(await administration.topic('audit'), {
    topic: 'audit',
    topicId,
    partitions: [
      { partition: 0, ...there },
      { partition: 1, ...gone },
      { partition: 2, ...there },
    ],
    settings: new Map([
      ['retention.ms', { value: '-1', source: 'topic' }],
      ['message.timestamp.type', { value: 'LogAppendTime', source: 'topic' }],
    ]),
  });
  assert.equal(await administration.topic('other'), null);
});

test("a broker's topic on its disk has no settings that can be seen", async (context) => {
  const root = await temporaryFolder(context);
  await storedPartition(root, 'audit-0', { [FIRST_SEGMENT]: stored(0n, 'x') });
  const administration = await openAdministration(`file:${root}`);
  const found = await administration.topic('audit');
  assert.deepEqual([found?.topicId, found?.settings], [TOPIC_ID, null]);
});

test('no brokers, rules or quotas, nothing to change, and nothing once closed', async (context) => {
  const root = await temporaryFolder(context);
  await createTopic(await openIn(context, root), 'audit');
  const administration = await openAdministration(`file:${root}`);
  assert.equal(administration.url, `file:${root}`);
  const none = { clusterId: null, controller: null, brokers: [] };
  assert.deepEqual(await administration.cluster(), none);
  assert.equal(await administration.accessRules(), null);
  assert.deepEqual(await administration.quotas(), []);
  const changes = () => [
    administration.changeSettings('audit', new Map([['retention.ms', '1']])),
    administration.addPartitions('audit', 2),
    administration.addAccessRules([]),
    administration.removeAccessRules([]),
    administration.setQuota({ user: null, limits: new Map() }),
  ];
  for (const change of changes()) {
    await assert.rejects(change, { code: 'unsupported', message: /a file: stream cannot/ });
  }
  await administration.close();
  for (const change of changes()) await assert.rejects(change, { code: 'closed' });
  await assert.rejects(administration.topic('audit'), { code: 'closed' });
});

test('only file: and kafka: are known, and a folder must be named', async () => {
  for (const url of ['http://x', 'audit', 'file:', 'kafka://user:secret@x']) {
    await assert.rejects(openAdministration(url), (error: unknown) => {
      assert.ok(error instanceof Error && !error.message.includes('secret'));
      return 'code' in error && error.code === 'configuration';
    });
  }
});
