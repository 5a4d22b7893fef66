/** Something that no retry repairs: a gap in the record, a log that is not the one the state was built from. The process must stop and say so. */
export class PartitionHalted extends Error {
  constructor(partition: number, because: string, options?: ErrorOptions) {
    super(`Expected to own partition ${partition}, but ${because}`, options);
  }
}

/** The partition's memory can't be trusted any more (an append was lost, a decision broke off half-way): it is dropped and read again. */
export class MemoryLost extends Error {}
