"""The three methods, each as a fit on some of the texts: k-means, HDBSCAN, LDA.

Shapes: N texts, S dimensions, V words, K topics.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.decomposition import LatentDirichletAllocation

from python_ml.topics.mixture import Mixture, fit_mixture

_KMEANS_STARTS = 4
# Density means little in many dimensions: HDBSCAN sees the first few.
_DENSITY_DIMENSIONS = 10
_LDA_PASSES = 5


@dataclass(frozen=True, slots=True)
class Material:
    """Texts as the methods see them.

    Args:
        points: float32 (N, S), unit vectors; no columns for LDA.
        counts: integer (N, V), words.
        concentration: see `mixture`.
    """

    points: np.ndarray
    counts: csr_array
    concentration: float

    def first(self, texts: int) -> "Material":
        """The same for the first so many texts."""
        return Material(self.points[:texts], self.counts[:texts], self.concentration)

    def has(self, rows_N: np.ndarray) -> csr_array:
        """1 where a text has a word, float64."""
        return self.counts[rows_N].astype(bool).astype(np.float64)


@dataclass(frozen=True, slots=True)
class MixtureFit:
    """A mixture and the texts it can be asked about.

    Args:
        mixture: fitted.
        material: all texts.
        core: integer, the cluster of each fitted text, -1 for noise; None where the method knows no noise.
    """

    mixture: Mixture
    material: Material
    core: np.ndarray | None = None

    def probabilities(self, rows_N: np.ndarray) -> np.ndarray:
        """Of each topic for these texts, float64 (N, K)."""
        return self.mixture.probabilities(self.material.points[rows_N], self.material.has(rows_N))


@dataclass(frozen=True, slots=True)
class LdaFit:
    """A fitted LDA and the texts it can be asked about."""

    model: LatentDirichletAllocation
    material: Material

    def probabilities(self, rows_N: np.ndarray) -> np.ndarray:
        """Share of each topic in these texts, float64 (N, K)."""
        return self.model.transform(self.material.counts[rows_N])


def fit_kmeans(material: Material, rows_N: np.ndarray, topics: int, seed: int) -> MixtureFit:
    """k-means on the points, then the mixture from there.

    Args:
        material: all texts.
        rows_N: positions of the texts to fit on.
        topics: K.
        seed: of the starts.
    """
    points = material.points[rows_N]
    labels_N = KMeans(topics, n_init=_KMEANS_STARTS, random_state=seed).fit_predict(points)
    return _refine(material, rows_N, labels_N, topics)


def fit_hdbscan(material: Material, rows_N: np.ndarray, min_share: int, seed: int) -> MixtureFit | None:
    """HDBSCAN on the first directions, then the mixture from its clusters; noise joins where it fits.

    Args:
        material: all texts.
        rows_N: positions of the texts to fit on.
        min_share: least texts of a topic, in thousandths of the texts.
        seed: not used; HDBSCAN draws nothing.

    Returns:
        None where it sees fewer than two clusters.

    Source:
        Campello, Moulavi, Sander: Density-Based Clustering Based on Hierarchical Density Estimates, 2013.
    """
    points = material.points[rows_N][:, :_DENSITY_DIMENSIONS].astype(np.float64)
    least = max(round(len(points) * min_share / 1000), 2)
    labels_N = HDBSCAN(
        min_cluster_size=least, min_samples=5, cluster_selection_method="leaf", copy=True
    ).fit_predict(points)
    topics = int(labels_N.max()) + 1
    if topics < 2:
        return None
    return replace(_refine(material, rows_N, labels_N, topics), core=labels_N)


def fit_lda(material: Material, rows_N: np.ndarray, topics: int, seed: int) -> LdaFit:
    """Latent Dirichlet allocation over word counts, variational Bayes in batches.

    Args:
        material: all texts.
        rows_N: positions of the texts to fit on.
        topics: K.
        seed: of the start.

    Source:
        Blei, Ng, Jordan: Latent Dirichlet Allocation, 2003. Hoffman, Blei, Bach: Online Learning for Latent
        Dirichlet Allocation, 2010.
    """
    model = LatentDirichletAllocation(
        topics,
        learning_method="online",
        max_iter=_LDA_PASSES,
        batch_size=1024,
        mean_change_tol=0.01,
        random_state=seed,
    )
    return LdaFit(model.fit(material.counts[rows_N]), material)


def _refine(material: Material, rows_N: np.ndarray, labels_N: np.ndarray, topics: int) -> MixtureFit:
    mixture = fit_mixture(
        material.points[rows_N],
        material.has(rows_N),
        labels_N,
        topics,
        concentration=material.concentration,
    )
    return MixtureFit(mixture, material)
