export * from './port.js';
export { declareTopics, defaultPartitionCounts, type PartitionCounts, type Topic, type TopicDeclaration } from './topics.js';
export { partitionOf } from './partition.js';
