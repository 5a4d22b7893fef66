export const reportPlantedBugs = async () => ({ caught: 0, planted: 0 });
