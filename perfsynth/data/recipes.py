"""All recipes by name."""

from __future__ import annotations

from perfsynth.data import atepp, bach_violin, maestro, malik, musicnet, recipe_aligned, salamander, smd, vienna4x22
from perfsynth.data.recipe import Recipe

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        recipe_aligned.NASAP,
        recipe_aligned.BATIK,
        vienna4x22.RECIPE,
        maestro.RECIPE,
        atepp.RECIPE,
        smd.RECIPE,
        malik.RECIPE,
        bach_violin.RECIPE,
        musicnet.RECIPE,
        salamander.RECIPE,
    )
}
