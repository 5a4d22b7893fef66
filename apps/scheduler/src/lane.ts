/** Runs one thing at a time, in the order asked. A rejection reaches its caller and stops nobody else. */
export class Lane {
  private last: Promise<unknown> = Promise.resolve();

  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const next = this.last.then(work);
    this.last = next.catch(() => undefined);
    return next;
  }

  /** Resolves when everything asked so far is done. */
  async idle(): Promise<void> {
    await this.last;
  }
}
