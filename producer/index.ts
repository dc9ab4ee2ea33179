export type { Headers } from './headers.js';
export type { KafkajsAdmin, KafkajsProducer } from './kafkajs.js';
export type {
  KafkajsTarget,
  Learned,
  Lost,
  PublisherOptions,
  PublisherSettings,
  StreamTarget,
} from './options.js';
export type { Placed, Published } from './pending.js';
export { type Publisher, publisher, type RawRecord } from './publisher.js';
export type { PublishOptions } from './record-writer.js';
export { cloudTrailSource } from './sources/cloudtrail.js';
export { eventSource } from './sources/event.js';
export { gitSource } from './sources/git.js';
export type { Sourced } from './sources/source.js';
