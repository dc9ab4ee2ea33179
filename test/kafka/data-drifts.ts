/**
 * What cannot be taken back: records, topics and checkpoints that somebody with every right removes
 * or adds, and how `doctor`, `plan` and `verify` tell it. Each happens to a ledger of its own.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FindingCode } from '../../consumer/verdict.js';
import { checkpointTopic } from '../../ledger/checkpoint-record.js';
import { CONFIGURATION_HEADER } from '../../ledger/configuration-line.js';
import type { Code } from '../../policy/catalogue/catalogue.js';
import { parseDeclared } from '../../policy/file/parse.js';
import { configurationRecord } from '../../policy/plan/recorded.js';
import { publisher } from '../../producer/publisher.js';
import { readCheckpointRecords } from '../../stream/checkpoint-topic.js';
import { openStream } from '../../stream/open.js';
import type { Stream, StreamRecord } from '../../stream/stream.js';
import { deleteRecords, deleteTopic } from '../support/kafka-reading.js';
import { appendRecord } from '../support/super-user.js';
import type { Scene } from './drifts.js';

type Deed = (scene: Scene) => Promise<void>;

export interface DataDrift {
  /** Of the ledger and its topic, too. */
  readonly name: string;
  readonly what: string;
  readonly make: Deed;
  /** Every new error and warning of `doctor`. */
  readonly doctor: readonly Code[];
  /** Every new difference of `plan`. */
  readonly plan: readonly Code[];
  /** Exit code of `verify`, and its findings. */
  readonly verify: readonly [exit: number, findings: readonly FindingCode[]];
}

const INTACT = 0;
const TAMPERED = 1;
const INCOMPLETE = 2;

export const DATA_DRIFTS: readonly DataDrift[] = [
  {
    name: 'events-gone',
    what: 'the first events deleted',
    make: ({ cluster, ledger }) => deleteRecords(cluster.bootstrap, ledger.topic, 0, 3n),
    doctor: ['log-start-moved'],
    plan: ['log-start-moved'],
    verify: [TAMPERED, ['log-start-moved']],
  },
  {
    name: 'configurations-gone',
    what: 'the history of the configuration deleted',
    make: (scene) => deleteRecords(scene.cluster.bootstrap, configurationTopic(scene), 0, 1n),
    // Nothing that is recorded is left, though checkpoints name it.
    doctor: ['log-start-moved', 'configuration-unrecorded', 'configuration-abandoned'],
    plan: ['log-start-moved', 'configuration-unrecorded'],
    verify: [TAMPERED, ['log-start-moved']],
  },
  {
    name: 'made-again',
    what: 'a topic deleted and made again',
    make: (scene) => again(scene, scene.ledger.topic),
    doctor: ['topic-recreated'],
    plan: ['topic-recreated'],
    verify: [TAMPERED, ['topic-recreated', 'no-checkpoint']],
  },
  {
    name: 'topic-gone',
    what: 'a topic deleted',
    make: (scene) => drop(scene, scene.ledger.topic),
    doctor: ['topic-missing'],
    plan: ['topic-missing'],
    verify: [INCOMPLETE, ['topic-missing']],
  },
  {
    name: 'checkpoints-gone',
    what: 'the checkpoint topic deleted',
    make: (scene) => drop(scene, checkpointTopic(scene.ledger.topic)),
    // The sealer's memory knows what was signed.
    doctor: ['topic-missing', 'log-refused'],
    plan: ['topic-missing'],
    verify: [INCOMPLETE, ['topic-missing']],
  },
  {
    name: 'checkpoint-erased',
    what: 'a checkpoint overwritten by a tombstone',
    make: async (scene) => {
      const { key } = await newestCheckpoint(scene);
      await appendRecord(scene, checkpointTopic(scene.ledger.topic), {
        key,
        value: null,
        headers: [],
      });
    },
    doctor: ['checkpoint-foreign'],
    plan: [],
    verify: [TAMPERED, ['checkpoint-erased']],
  },
  {
    name: 'checkpoint-foreign',
    what: 'something else written among the checkpoints',
    make: (scene) =>
      appendRecord(scene, checkpointTopic(scene.ledger.topic), {
        key: Buffer.from('audit'),
        value: Buffer.from('no checkpoint'),
        headers: [],
      }),
    doctor: ['checkpoint-foreign'],
    plan: [],
    verify: [TAMPERED, ['checkpoint-malformed']],
  },
  {
    name: 'partition-added',
    what: 'a partition added',
    make: ({ administration, ledger }) => administration.addPartitions(ledger.topic, 2),
    doctor: ['partitions-more'],
    plan: ['partitions-more'],
    verify: [INCOMPLETE, ['no-checkpoint']],
  },
  {
    name: 'configuration-forged',
    what: 'another configuration recorded, in the name of an admin',
    make: forgeConfiguration,
    doctor: ['configuration-unrecorded'],
    plan: ['configuration-unrecorded'],
    // A principal with Write may write: it is sealed, and verify reports the change.
    verify: [INTACT, []],
  },
  {
    name: 'configuration-named',
    what: 'a configuration named that nobody can read',
    make: async (scene) => {
      const hash = Buffer.alloc(32, 1).toString('base64');
      await appendRecord(scene, configurationTopic(scene), {
        key: null,
        value: Buffer.from('no event'),
        headers: [{ key: Buffer.from(CONFIGURATION_HEADER), value: Buffer.from(hash) }],
      });
    },
    doctor: ['configuration-unrecorded'],
    plan: ['configuration-unrecorded'],
    verify: [INTACT, []],
  },
  {
    name: 'sealer-stopped',
    what: 'no sealer at work for longer than verifiers accept',
    make: async ({ ledger }) => {
      await ledger.declare({ every: '1s', maxAge: '2s' });
      await ledger.ok('deploy', 'apply');
      await sleep(3_000);
    },
    doctor: ['checkpoint-stale'],
    plan: [],
    verify: [INCOMPLETE, ['stale', 'unsealed']],
  },
];

function configurationTopic({ ledger }: Scene): string {
  return `${ledger.topic}.configuration`;
}

async function withStream<T>({ cluster }: Scene, use: (stream: Stream) => Promise<T>): Promise<T> {
  const stream = await openStream(`kafka://${cluster.bootstrap}`);
  try {
    return await use(stream);
  } finally {
    await stream.close();
  }
}

function drop(scene: Scene, topic: string): Promise<void> {
  return withStream(scene, (stream) => deleteTopic(scene.cluster.bootstrap, stream, topic));
}

/** Just as it was, but for its id and its records. */
async function again(scene: Scene, topic: string): Promise<void> {
  const state = (await scene.administration.topic(topic)) ?? assert.fail(`no topic ${topic}`);
  const settings = new Map<string, string>();
  for (const [name, { value, source }] of state.settings ?? []) {
    if (source === 'topic' && value !== null) settings.set(name, value);
  }
  const { length: partitions } = state.partitions;
  const replication = state.partitions[0]?.replicas.length ?? 0;
  await drop(scene, topic);
  await withStream(scene, async (stream) => {
    assert.ok(await stream.createTopic({ topic, partitions, replication, settings }));
  });
}

async function newestCheckpoint(scene: Scene): Promise<StreamRecord> {
  return withStream(scene, async (stream) => {
    const topic = await stream.describe(checkpointTopic(scene.ledger.topic));
    let newest: StreamRecord | null = null;
    for await (const record of readCheckpointRecords(stream, topic ?? assert.fail('no topic'))) {
      newest = record;
    }
    return newest ?? assert.fail('no checkpoint');
  });
}

async function forgeConfiguration(scene: Scene): Promise<void> {
  const text = await readFile(scene.ledger.path('ledger.yaml'), 'utf8');
  const declared = parseDeclared(text.replace('maxAge: 1h', 'maxAge: 2h'), 'ledger.yaml');
  const { event, key, headers } = configurationRecord({
    declared,
    actor: 'deploy',
    before: null,
    loosened: [],
    topicIds: new Map(),
  });
  await withStream(scene, async (stream) => {
    const topic = configurationTopic(scene);
    const out = await publisher({ stream, topic, source: '/forged' });
    await out.publish(event, { key, headers });
    await out.close();
  });
}
