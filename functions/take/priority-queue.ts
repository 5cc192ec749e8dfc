/** A binary heap: the item that comes first by `isBefore` is taken first. */
export class PriorityQueue<Item> {
  #items: Item[] = []
  #isBefore: (one: Item, other: Item) => boolean

  constructor(isBefore: (one: Item, other: Item) => boolean) {
    this.#isBefore = isBefore
  }

  get size(): number {
    return this.#items.length
  }

  get first(): Item | undefined {
    return this.#items[0]
  }

  add(item: Item): void {
    const items = this.#items
    let index = items.length
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = items[parent]
      if (above === undefined || !this.#isBefore(item, above)) break
      items[index] = above
      index = parent
    }
    items[index] = item
  }

  take(): Item | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (last === undefined || items.length === 0) return first
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      const [one, other] = [items[left], items[left + 1]]
      if (one === undefined) break
      const isOther = other !== undefined && this.#isBefore(other, one)
      const child = isOther ? other : one
      if (!this.#isBefore(child, last)) break
      items[index] = child
      index = isOther ? left + 1 : left
    }
    items[index] = last
    return first
  }
}
