/** Asks every 50 ms until it holds; fails with what was waited for when the time is over. */
export const until = async (what, holds, withinMs = 600_000) => {
  for (const deadline = Date.now() + withinMs; !(await holds()); await new Promise((done) => setTimeout(done, 50)))
    if (Date.now() > deadline) throw new Error(`Expected ${what} within ${withinMs} ms, but it did not come to that`);
};
