import { planFigure } from './plan-world.ts'

/** The first plan ever: nothing is remembered of our cache, which has everything. */
export const planCold = planFigure(
  'plan.cold',
  'finding what is missing of 5,000 paths in our cache without an index, against Nix’s dry run',
  3,
  { changed: 0, isRemembered: false, heldBy: 'our cache' },
)
