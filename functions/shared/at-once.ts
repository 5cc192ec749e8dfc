/**
 * Works on every item of a stream, so many at once, and takes the next only when there is room for it: however long the stream, no more
 * than `atOnce` items and promises exist at a time.
 * @throws what the first item that failed threw, when those that were begun have ended
 */
export async function forEachAtOnce<Item>(
  source: AsyncIterable<Item> | Iterable<Item>,
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>()
  const failures: unknown[] = []
  const run = async (item: Item): Promise<void> => {
    try {
      await work(item)
    } catch (error) {
      failures.push(error)
    }
  }
  for await (const item of source) {
    if (failures.length > 0) break
    const started: Promise<void> = run(item).finally(() => running.delete(started))
    running.add(started)
    if (running.size >= atOnce) await Promise.race(running)
  }
  await Promise.all(running)
  if (failures.length > 0) throw failures[0]
}
