"""What a machine's answer means, in sentences for the person who must mend it."""

import re

SLOW = "一秒之内没有应答。平台只等一秒：先验签、解密、原样返回，不要在此连接数据库或下游。"
UNREACHABLE = "连不上这个地址。服务是否已启动？沙箱所在的机器能否访问它？容器里的 127.0.0.1 是容器自己。"
NOT_PLAIN = "应答不是解密后的明文本身。常见原因：多了引号、换行或 BOM，返回了密文，或返回了 JSON。"
BAD_STATUS = "应答不是 200。多半是验签失败：核对 Token、EncodingAESKey 和 CorpID，注意 URL 解码后的 echostr。"
BAD_ADDRESS = "这不是一个完整的地址，应以 http:// 或 https:// 开头。"
UNKNOWN = "验证没有通过。"

_REASONS = (
    (re.compile(r"Timeout"), SLOW),
    (re.compile(r"ConnectError|ConnectTimeout|NetworkError|ReadError|RemoteProtocol"), UNREACHABLE),
    (re.compile(r"UnsupportedProtocol|InvalidURL|LocalProtocol"), BAD_ADDRESS),
    (re.compile(r"not exactly the plaintext"), NOT_PLAIN),
    (re.compile(r"HTTP \d+"), BAD_STATUS),
)


def explain_verification(error: str) -> str:
    """Why 「保存」 of a callback address was refused (doc path/90930), for whoever runs the service."""
    return next((text for pattern, text in _REASONS if pattern.search(error)), UNKNOWN)
