"use strict";
// The page of lrurec explore, from the JSON beside it: what explore::describe gives.

const data = read();
const model = new Model(data.config, data.weights);

document.getElementById("title").textContent = `Inside ${data.name}`;
document.getElementById("subtitle").textContent = `LRURec, step ${whole(data.step)} · ${whole(data.config.num_items)} items · ` +
  `${data.config.blocks} blocks of ${data.config.channels} complex channels · everything is computed on this page`;

const histories = new HistoryPlayground(model, data);

/** What changed eigenvalues do to their layer itself, before what they do to the ranking. */
function outputChange(block) {
  const lru = model.lru[block], moved = lru.lambda, now = histories.tokens.at(-1).blocks[block].output;
  lru.lambda = lru.trained;
  const trained = model.run(histories.items).at(-1).blocks[block].output;
  lru.lambda = moved;
  return norm(now.map((v, i) => v - trained[i])) / (norm(trained) || 1);
}

let ranks;  // with which a drag began
const eigenvalues = new EigenvaluePlayground(model, data.step, data.training, (block) => {
  if (histories.items.length === 0) return;
  histories.update(ranks);
  eigenvalues.output.textContent = `output of block ${block + 1}'s LRU at the last item: ${fixed(100 * outputChange(block), 1)}% away from the trained one's`;
});
eigenvalues.grabbed = () => { ranks = new Map((histories.found || []).map(({ item }, rank) => [item, rank])); };
eigenvalues.disk.addEventListener("pointerup", () => { ranks = undefined; });
eigenvalues.disk.addEventListener("pointercancel", () => { ranks = undefined; });
histories.edited = () => { eigenvalues.output.textContent = ""; };
histories.chosen = (block, channel) => eigenvalues.select(block, channel);
scanSection();
histories.takeUser(data.users[0]);
finish();
