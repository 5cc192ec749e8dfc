import { planFigure } from './plan-world.ts'

/** One package in a hundred changed. */
export const planChanged = planFigure(
  'plan.changed',
  'finding the 50 of 5,000 paths that our cache lacks, against Nix’s dry run',
  30,
  { changed: 50, isRemembered: true, heldBy: 'our cache' },
)
