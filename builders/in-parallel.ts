/**
 * Does something with every item, at most `limit` at once. Results are in the order of the items. After a failure nothing more is begun, and the failure
 * is thrown when what was begun has ended.
 */
export async function inParallel<Item, Result>(
  limit: number,
  items: Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const rest = items.entries()
  let isFailed = false
  const worker = async (): Promise<void> => {
    for (const [index, item] of rest) {
      if (isFailed) return
      try {
        results[index] = await work(item)
      } catch (error) {
        isFailed = true
        throw error
      }
    }
  }
  const workers = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, worker))
  for (const ended of workers) if (ended.status === 'rejected') throw ended.reason
  return results
}
