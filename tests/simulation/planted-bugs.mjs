// Bugs that the simulation must find. Each is a change of one source text while it is loaded; `find` must occur exactly once.
export const plantedBugs = [];
