"""Every endpoint says how faithful it is; nobody finds out the hard way."""

import pytest

from sandbox.api.call import Endpoint, Fidelity
from sandbox.api.gateway import ENDPOINTS


@pytest.mark.parametrize(("name", "endpoint"), ENDPOINTS.items(), ids=ENDPOINTS.keys())
class TestEveryEndpoint:
    def test_states_how_faithful_it_is_and_where_that_is_written(self, name: str, endpoint: Endpoint) -> None:
        assert endpoint.fidelity is not None, f"{name}: give fidelity=Fidelity.…"
        assert endpoint.source.startswith("path/"), f"{name}: give source='path/…', the platform's page"

    def test_one_that_is_not_exact_says_what_is_simplified(self, name: str, endpoint: Endpoint) -> None:
        if endpoint.fidelity is not Fidelity.EXACT:
            assert endpoint.note, f"{name}: say in Chinese what is simplified"
            assert endpoint.note_en, f"{name}: say in English what is simplified"
