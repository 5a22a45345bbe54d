import { startCharts } from "./charts.js";
import { startPlayers } from "./player.js";
import { makeSortable } from "./tables.js";

const findAll = (selector) => Array.from(document.querySelectorAll(selector));

startPlayers(findAll(".player"));
findAll(".table table:not(.matrix)").forEach(makeSortable);
startCharts(findAll(".plot"));
findAll(".picture img").forEach((image) => image.addEventListener("click", () => image.classList.toggle("full")));
