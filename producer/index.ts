export type { KafkajsAdmin, KafkajsProducer } from './kafkajs.js';
export type {
  KafkajsTarget,
  Learned,
  Lost,
  PublisherOptions,
  PublisherSettings,
  StreamTarget,
} from './options.js';
export {
  type Headers,
  type Placed,
  type Published,
  type Publisher,
  type PublishOptions,
  publisher,
  type RawRecord,
} from './publisher.js';
export { cloudTrailSource } from './sources/cloudtrail.js';
export { eventSource } from './sources/event.js';
export { gitSource } from './sources/git.js';
export type { Sourced } from './sources/source.js';
