import { decodeAlterConfigs } from '../../stream/kafka/protocol/alter-configs.js';
import { decodeCreateAcls, decodeDeleteAcls } from '../../stream/kafka/protocol/change-acls.js';
import {
  decodeAlterQuotas,
  decodeDescribeQuotas,
} from '../../stream/kafka/protocol/client-quotas.js';
import { decodeCreatePartitions } from '../../stream/kafka/protocol/create-partitions.js';
import { decodeDescribeAcls } from '../../stream/kafka/protocol/describe-acls.js';
import { decodeDescribeConfigs } from '../../stream/kafka/protocol/describe-configs.js';
import { WireWriter } from '../../stream/kafka/protocol/writer.js';
import type { Sample } from './protocol-samples.js';

const TOPIC = 'audit';
const BROKER = { type: 'broker', name: '2' } as const;
const AUDIT = { type: 'topic', name: TOPIC } as const;

/** One or more of every response that administration reads. */
export const ADMINISTRATION_SAMPLES: readonly Sample[] = [
  {
    name: 'DescribeConfigs v4 of a broker',
    bytes: brokerConfigs(),
    decode: (bytes) => decodeDescribeConfigs(bytes, BROKER, 'test'),
  },
  {
    name: 'IncrementalAlterConfigs v1',
    bytes: alterConfigs(),
    decode: (bytes) => decodeAlterConfigs(bytes, AUDIT, 'test'),
  },
  {
    name: 'CreatePartitions v3',
    bytes: createPartitions(),
    decode: (bytes) => decodeCreatePartitions(bytes, TOPIC, 'test'),
  },
  {
    name: 'DescribeAcls v3',
    bytes: describeAcls(),
    decode: (bytes) => decodeDescribeAcls(bytes, 'test'),
  },
  {
    name: 'CreateAcls v3',
    bytes: createAcls(),
    decode: (bytes) => decodeCreateAcls(bytes, 2, 'test'),
  },
  {
    name: 'DeleteAcls v3',
    bytes: deleteAcls(),
    decode: (bytes) => decodeDeleteAcls(bytes, 2, 'test'),
  },
  {
    name: 'DescribeClientQuotas v1',
    bytes: describeQuotas(),
    decode: (bytes) => decodeDescribeQuotas(bytes, 'test'),
  },
  {
    name: 'AlterClientQuotas v1',
    bytes: alterQuotas(),
    decode: (bytes) => decodeAlterQuotas(bytes, 'test'),
  },
];

function brokerConfigs(): Uint8Array {
  const writer = new WireWriter().int32(0);
  writer.compactArray([BROKER.name], (name) => {
    writer.int16(0).compactNullableString(null).int8(4).compactString(name);
    writer.compactArray([1, 2, 3, 4, 5, 6], (source) => {
      const value = source === 6 ? null : `${source}`;
      writer.compactString(`setting.${source}`).compactNullableString(value).boolean(false);
      writer
        .int8(source)
        .boolean(value === null)
        .unsignedVarint(1);
      writer.int8(2).compactNullableString(null).noTags();
    });
    writer.noTags();
  });
  return writer.noTags().finish();
}

function alterConfigs(): Uint8Array {
  const writer = new WireWriter().int32(0);
  writer.compactArray(['other', TOPIC], (name) => {
    writer
      .int16(name === TOPIC ? 40 : 0)
      .compactNullableString('not so')
      .int8(2);
    writer.compactString(name).noTags();
  });
  return writer.noTags().finish();
}

function createPartitions(): Uint8Array {
  const writer = new WireWriter().int32(0);
  writer.compactArray([TOPIC], (name) => {
    writer.compactString(name).int16(37).compactNullableString('already 4').noTags();
  });
  return writer.noTags().finish();
}

function describeAcls(): Uint8Array {
  const writer = new WireWriter().int32(0).int16(0).compactNullableString(null);
  writer.compactArray([2, 3, 4, 5, 6, 7], (resource) => {
    writer
      .int8(resource)
      .compactString('name')
      .int8(resource % 2 === 0 ? 3 : 4);
    writer.compactArray([resource, resource + 6], (operation) => {
      writer.compactString('User:payments').compactString('*').int8(operation);
      writer.int8(operation > 8 ? 2 : 3).noTags();
    });
    writer.noTags();
  });
  return writer.noTags().finish();
}

function createAcls(): Uint8Array {
  const writer = new WireWriter().int32(0);
  writer.compactArray([0, 42], (code) => {
    writer
      .int16(code)
      .compactNullableString(code === 0 ? null : 'no such host')
      .noTags();
  });
  return writer.noTags().finish();
}

function deleteAcls(): Uint8Array {
  const writer = new WireWriter().int32(0);
  writer.compactArray([[], [0, 31]], (matching) => {
    writer.int16(0).compactNullableString(null);
    writer.compactArray(matching, (code) => {
      writer.int16(code).compactNullableString(null).int8(2).compactString(TOPIC).int8(3);
      writer.compactString('User:payments').compactString('*').int8(4).int8(3).noTags();
    });
    writer.noTags();
  });
  return writer.noTags().finish();
}

function entity(writer: WireWriter, name: string | null): void {
  writer.compactArray([name], (each) => {
    writer.compactString('user').compactNullableString(each).noTags();
  });
}

function describeQuotas(): Uint8Array {
  const writer = new WireWriter().int32(0).int16(0).compactNullableString(null);
  writer.compactArray(['payments', null], (user) => {
    entity(writer, user);
    writer.compactArray(['producer_byte_rate', 'request_percentage'], (key) => {
      writer.compactString(key).float64(12.5).noTags();
    });
    writer.noTags();
  });
  return writer.noTags().finish();
}

function alterQuotas(): Uint8Array {
  const writer = new WireWriter().int32(0);
  writer.compactArray(['payments'], (user) => {
    writer.int16(0).compactNullableString(null);
    entity(writer, user);
    writer.noTags();
  });
  return writer.noTags().finish();
}
