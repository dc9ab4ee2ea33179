import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import type { Administration } from '../../../../stream/administration.js';
import { WireWriter } from '../../../../stream/kafka/protocol/writer.js';
import { openAdministration } from '../../../../stream/open.js';
import { frame, type ReceivedRequest, startHostileBroker } from './fake-broker.js';
import { metadata, TOPIC } from './scripted-fetch.js';

const METADATA = 3;
const DESCRIBE_CONFIGS = 32;
const CREATE_PARTITIONS = 37;
const ALTER_CONFIGS = 44;
const NONE = 0;
const INVALID_PARTITIONS = 37;
const NOT_CONTROLLER = 41;
const TIMEOUT_MS = 20_000;
/** For what can only run out: long enough to be tried twice. */
const SHORT_MS = 2_000;
const SPOKEN = [
  [METADATA, 0, 12],
  [DESCRIBE_CONFIGS, 1, 4],
  [CREATE_PARTITIONS, 0, 3],
  [ALTER_CONFIGS, 0, 1],
] as const;
const CHANGE = new Map([['retention.ms', '-1']]);

/** What the broker answers to the requests of an API, in order; the last one is repeated. */
type Script = Readonly<Record<number, readonly (Uint8Array | 'silent' | 'cut')[]>>;

/** One broker that is its own controller. `asked`: how many requests of an API it got. */
async function scene(
  script: Script,
  use: (administration: Administration, asked: (apiKey: number) => number) => Promise<void>,
  timeoutMs = TIMEOUT_MS,
): Promise<void> {
  const answer = (socket: Socket, { apiKey, correlationId }: ReceivedRequest): void => {
    const steps = script[apiKey] ?? [metadata([broker.port])];
    const step = steps[Math.min(asked(apiKey), steps.length) - 1];
    if (step === 'cut') socket.destroy();
    else if (step !== 'silent' && step !== undefined) {
      socket.write(frame(correlationId, Buffer.concat([Buffer.of(0), step])));
    }
  };
  const broker = await startHostileBroker(answer, SPOKEN);
  const asked = (apiKey: number): number =>
    broker.requests.filter((request) => request.apiKey === apiKey).length;
  const url = `kafka://127.0.0.1:${broker.port}`;
  const administration = await openAdministration(url, { timeoutMs });
  try {
    await use(administration, asked);
  } finally {
    await administration.close();
    await broker.close();
  }
}

function altered(errorCode: number): Uint8Array {
  const writer = new WireWriter().int32(0);
  writer.compactArray([TOPIC.topic], (name) => {
    writer.int16(errorCode).compactNullableString(null).int8(2).compactString(name).noTags();
  });
  return writer.noTags().finish();
}

function set(value: string, source: number): Uint8Array {
  const writer = new WireWriter().int32(0);
  writer.compactArray([TOPIC.topic], (name) => {
    writer.int16(0).compactNullableString(null).int8(2).compactString(name);
    writer.compactArray(['retention.ms'], (key) => {
      writer.compactString(key).compactNullableString(value).boolean(false).int8(source);
      writer.boolean(false).unsignedVarint(1).int8(5).compactNullableString(null).noTags();
    });
    writer.noTags();
  });
  return writer.noTags().finish();
}

function partitionsAnswer(errorCode: number): Uint8Array {
  const writer = new WireWriter().int32(0);
  writer.compactArray([TOPIC.topic], (name) => {
    writer.compactString(name).int16(errorCode).compactNullableString(null).noTags();
  });
  return writer.noTags().finish();
}

test('a change goes to the controller until one takes it, and is waited for', async () => {
  const script = {
    [ALTER_CONFIGS]: [altered(NOT_CONTROLLER), 'cut' as const, altered(NONE)],
    [DESCRIBE_CONFIGS]: [set('604800000', 1), set('-1', 5), set('-1', 1)],
  };
  await scene(script, async (administration, asked) => {
    await administration.changeSettings(TOPIC.topic, CHANGE);
    assert.deepEqual([asked(ALTER_CONFIGS), asked(DESCRIBE_CONFIGS)], [3, 3]);
  });
});

test('a change that does not show is a timeout that says so', async () => {
  const script = { [ALTER_CONFIGS]: [altered(NONE)], [DESCRIBE_CONFIGS]: [set('-1', 5)] };
  const change = async (administration: Administration) => {
    await assert.rejects(administration.changeSettings(TOPIC.topic, CHANGE), {
      code: 'timeout',
      message: /settings of topic audit were changed, but not every broker shows it/,
    });
  };
  await scene(script, change, SHORT_MS);
});

test('a controller that does not answer, or never is one, is an error of class retry', async () => {
  for (const [step, code] of [
    ['silent', 'timeout'],
    [altered(NOT_CONTROLLER), 'not-leader'],
    ['cut', 'unreachable'],
  ] as const) {
    const change = async (administration: Administration, asked: (apiKey: number) => number) => {
      await assert.rejects(administration.changeSettings(TOPIC.topic, CHANGE), {
        code,
        class: 'retry',
        message: /^the settings of topic audit: not done within 2000 ms: /,
      });
      assert.ok(asked(ALTER_CONFIGS) > 1);
    };
    await scene({ [ALTER_CONFIGS]: [step] }, change, SHORT_MS);
  }
});

test('partitions whose first answer was lost are there with the second', async () => {
  const lost = ['cut' as const, partitionsAnswer(INVALID_PARTITIONS)];
  await scene({ [CREATE_PARTITIONS]: lost }, async (administration, asked) => {
    await administration.addPartitions(TOPIC.topic, 1);
    assert.equal(asked(CREATE_PARTITIONS), 2);
    await assert.rejects(administration.addPartitions(TOPIC.topic, 2), {
      code: 'configuration',
      message: /INVALID_PARTITIONS/,
    });
  });
});

test('an error that trying again cannot mend ends a change at once', async () => {
  await scene({ [ALTER_CONFIGS]: [altered(29)] }, async (administration, asked) => {
    await assert.rejects(administration.changeSettings(TOPIC.topic, CHANGE), {
      code: 'unauthorized',
      message: /grant AlterConfigs on topic audit$/,
    });
    assert.equal(asked(ALTER_CONFIGS), 1);
  });
});
